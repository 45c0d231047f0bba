// Opens clusters, reacts to the settings, and shows the tip.

const root = document.documentElement;
const tip = document.getElementById("tip");
const views = new Map();

// Spans of days that a line can be shown by, as [name, first day, day after the last]; months come first.
function periodsOf(line) {
  const first = dayOf(line.local[0]);
  const last = dayOf(line.local[line.length - 1]) + 1;
  const spans = (letters, name) => {
    const found = new Map();
    for (let day = first; day < last; day++) {
      const key = name(dateOf(day).slice(0, letters));
      const span = found.get(key) || [key, day, day];
      span[2] = day + 1;
      found.set(key, span);
    }
    return [...found.values()];
  };
  const months = spans(7, (month) => month);
  const quarters = spans(7, (month) => `${month.slice(0, 4)} Q${Math.ceil(Number(month.slice(5)) / 3)}`);
  const whole = last - first <= 92 && months.length > 1 ? [["all days", first, last]] : [];
  return last - first <= 35 ? [["all days", first, last]] : [...months, ...(quarters.length > 1 ? quarters : []), ...whole];
}

// The part of a cluster below its summary.
class View {
  constructor(details, lines) {
    this.lines = lines;
    this.panel = element("aside", { className: "panel", hidden: true });
    this.panel.setAttribute("aria-label", "What the cell is made of");
    this.map = element("div", { className: "scroll" });
    this.week = element("div", { className: "scroll" });
    this.weekSays = element("p", { className: "quiet" });
    this.months = lines[0].length > 0 ? periodsOf(lines[0]) : [];
    this.period = this.choice("Days ", this.months.map(([name]) => name), Math.max(0, this.lastMonth()));
    this.level = this.choice("Of ", [...lines.map((line) => line.name), ...(lines.length > 2 ? ["each member"] : [])], 0);
    const bar = element("form", { className: "bar" }, this.period.parentElement, this.level.parentElement);
    const week = element("div", {}, element("h4", { textContent: "By weekday and hour, over the whole range" }), this.weekSays, this.week);
    details.append(bar, element("div", { className: "beside" }, element("div", { className: "maps" }, this.map, week), this.panel));
    this.draw();
  }

  lastMonth() {
    return this.months.findLastIndex(([name]) => /^\d{4}-\d\d$/.test(name));
  }

  choice(name, options, chosen) {
    const select = element("select");
    options.forEach((text, value) => select.append(element("option", { value, textContent: text })));
    select.value = String(chosen);
    select.addEventListener("change", () => this.draw());
    element("label", {}, name, select);
    return select;
  }

  shown() {
    const chosen = Number(this.level.value);
    return chosen < this.lines.length ? [this.lines[chosen]] : this.lines.slice(1);
  }

  draw() {
    this.panel.hidden = true;
    const [, from, to] = this.months[Number(this.period.value)] || ["", 0, 0];
    const shown = this.shown();
    const show = (line, start) => this.show(line, start);
    const open = (line, cell) => openCell(this.panel, document.activeElement, this.lines, line, cell, show);
    const profile = (line, ...rest) => openProfile(this.panel, document.activeElement, line, ...rest, show);
    const titled = (line, made) => (shown.length > 1 ? [element("h5", {}, label(line.name)), made] : [made]);
    this.map.replaceChildren(...shown.flatMap((line) => titled(line, heatMap(line, from, to, open))));
    this.week.replaceChildren(...shown.flatMap((line) => titled(line, weekProfile(line, profile))));
    const values = { mean: "the mean over all scored steps", min: "the mean of the cells’ lowest scores" };
    this.weekSays.textContent = `Colour and number: ${values[settings.value]} of that hour in all weeks.`;
  }

  // Shows the cell that holds a second, and goes there.
  show(line, second) {
    this.level.value = String(this.lines.indexOf(line));
    const place = Math.max(0, line.at(second));
    const day = dayOf(line.local[place]);
    const within = ([, from, to]) => day >= from && day < to;
    if (!within(this.months[Number(this.period.value)])) this.period.value = String(this.months.findIndex(within));
    this.draw();
    const cell = this.map.querySelector(`td[data-start="${line.start[place]}"]`);
    cell?.scrollIntoView({ block: "center" });
    cell?.focus();
  }
}

async function viewOf(number) {
  if (!views.has(number)) {
    const details = document.getElementById(`cluster-${number}`);
    details.open = true;
    views.set(number, load(number).then((lines) => new View(details, lines)));
  }
  return views.get(number);
}

async function goTo(number, second) {
  document.getElementById(`cluster-${number}`).open = true;
  const view = await viewOf(number);
  view.show(view.lines[0], second);
}

for (const details of document.querySelectorAll("details.cluster")) {
  details.addEventListener("toggle", () => details.open && viewOf(Number(details.dataset.number)));
}

document.getElementById("settings").addEventListener("change", async (event) => {
  const { name, value } = event.target;
  if (name !== "value") return void (root.dataset[name] = value);
  settings.value = value;
  paintOverview();
  for (const view of views.values()) (await view).draw();
});

// The overview was written with its means; its other figures lie beside them.
function paintOverview() {
  for (const cell of document.querySelectorAll(".overview td[data-mean]")) {
    const shown = Number(cell.dataset[settings.value]);
    const [digits, mark] = [cell.textContent.includes(".") ? 10 : 100, cell.textContent.endsWith("?") ? "?" : ""];
    cell.className = cell.className.replace(/\bs\d+\b/, `s${Math.floor(shown / 10)}`);
    const down = Math.floor(shown / digits);
    cell.textContent = (digits === 10 ? (down / 10).toFixed(1) : down) + mark;
  }
}

function activate(target) {
  const cell = target.closest("td[aria-label]");
  if (cell?.openCell) {
    cell.focus();
    return cell.openCell();
  }
  const opener = target.closest("[data-cluster]");
  return opener && goTo(Number(opener.dataset.cluster), Number(opener.dataset.start));
}

function showTip(cell) {
  tip.hidden = !cell;
  if (!cell) return;
  tip.textContent = cell.getAttribute("aria-label");
  const place = cell.getBoundingClientRect();
  const left = Math.min(place.left, root.clientWidth - tip.offsetWidth - 8);
  const isRoom = place.bottom + tip.offsetHeight + 8 < root.clientHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${isRoom ? place.bottom + 4 : place.top - tip.offsetHeight - 4}px`;
}

document.addEventListener("click", (event) => activate(event.target));
document.addEventListener("submit", (event) => event.preventDefault());
for (const name of ["mouseover", "focusin"]) {
  document.addEventListener(name, (event) => showTip(event.target.closest?.("td[aria-label]")));
}
document.addEventListener("scroll", () => showTip(null), { capture: true, passive: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("td[aria-label]")) activate(event.target);
  if (event.key !== "Escape") return;
  showTip(null);
  const view = event.target.closest("details.cluster");
  view?.querySelector(".panel:not([hidden])")?.closePanel();
});
document.querySelectorAll("table.overview").forEach(walkable);
root.classList.add("script");
index.open.forEach(viewOf);
