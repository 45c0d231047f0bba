// The whole range as one picture, a column for each day: shows where to look, and which days the map shows.

const NAVIGATOR_HOUR = 3;
const NAVIGATOR_HEIGHT = 24 * NAVIGATOR_HOUR;

// The colors of classes under the current settings, as the style sheet has them.
function coloursNow() {
  const probe = element("i");
  document.body.append(probe);
  const known = new Map();
  const of = (name) => {
    if (!known.has(name)) {
      probe.className = name;
      known.set(name, getComputedStyle(probe).backgroundColor);
    }
    return known.get(name);
  };
  return { of, done: () => probe.remove() };
}

class Overview {
  constructor(periods, choose) {
    this.periods = periods;
    this.canvas = element("canvas", { height: NAVIGATOR_HEIGHT });
    this.canvas.setAttribute("role", "img");
    this.box = element("div", { className: "box" });
    this.marks = element("div", { className: "marks" });
    this.months = element("div", { className: "months" });
    const picture = element("div", { className: "picture" }, this.canvas, this.box);
    this.element = element("div", { className: "navigator scroll" }, picture, this.marks, this.months);
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Whole range, a column for each day");
    this.choose = choose;
    this.canvas.addEventListener("click", (event) => this.chooseDay(this.first + Math.floor(event.offsetX / this.scale)));
  }

  chooseDay(day) {
    const place = this.periods.findIndex(([, from, to]) => day >= from && day < to);
    if (place >= 0) this.choose(place);
  }

  draw(line, chosen, spans) {
    this.element.hidden = this.periods.length < 2 || line.length === 0;
    if (this.element.hidden) return;
    this.first = Math.min(...this.periods.map(([, from]) => from));
    const days = Math.max(...this.periods.map(([, , to]) => to)) - this.first;
    const room = this.element.parentElement?.clientWidth || 900;
    this.scale = Math.max(1, Math.min(8, Math.floor(room / days)));
    this.paint(line, days);
    this.canvas.setAttribute("aria-label", `${line.cluster}, ${line.name}: hour of day by day, ${dateOf(this.first)} to ${dateOf(this.first + days - 1)}`);
    const [, from, to] = this.periods[chosen];
    this.box.style.left = `${(from - this.first) * this.scale}px`;
    this.box.style.width = `${(to - from) * this.scale}px`;
    this.mark(line, spans);
    this.label(chosen);
  }

  paint(line, days) {
    this.canvas.width = days * this.scale;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, this.canvas.width, NAVIGATOR_HEIGHT);
    const colours = coloursNow();
    const height = Math.max(1, (index.minutes / 60) * NAVIGATOR_HOUR);
    for (let i = 0; i < line.length; i++) {
      const score = settings.value === "min" ? line.min[i] - 1 : line.mean(i);
      pen.fillStyle = line.min[i] > 0 ? colours.of(`s${Math.floor(score / 10)}`) : "#9da3aa";
      const x = (dayOf(line.local[i]) - this.first) * this.scale;
      const y = Math.floor(((line.local[i] % MINUTES_A_DAY) / MINUTES_A_DAY) * NAVIGATOR_HEIGHT);
      pen.fillRect(x, y, this.scale, height);
    }
    colours.done();
  }

  // A mark below each day that the shown problem touches.
  mark(line, spans) {
    const marked = new Set();
    for (const [start, end] of spans || []) {
      const from = Math.max(0, line.after(start) - 1);
      for (let i = from; i < line.length && line.start[i] < end; i++) marked.add(dayOf(line.local[i]));
    }
    this.marks.replaceChildren(...[...marked].map((day) => {
      const made = element("i");
      made.style.left = `${(day - this.first) * this.scale}px`;
      made.style.width = `${this.scale}px`;
      return made;
    }));
    this.marks.style.width = `${this.canvas.width}px`;
  }

  label(chosen) {
    const months = this.periods.map((period, place) => [place, ...period]).filter(([, name]) => /^\d{4}-\d\d$/.test(name));
    this.months.replaceChildren(...months.map(([place, name, from, to]) => {
      const text = new Date(`${name}-01`).toLocaleString("en", { month: "short", timeZone: "UTC" });
      const made = element("button", { type: "button", textContent: (to - from) * this.scale > 24 ? text : text[0], title: name });
      made.setAttribute("aria-label", name);
      made.setAttribute("aria-pressed", String(place === chosen));
      made.style.left = `${(from - this.first) * this.scale}px`;
      made.style.width = `${(to - from) * this.scale}px`;
      made.addEventListener("click", () => this.choose(place));
      return made;
    }));
    this.months.style.width = `${this.canvas.width}px`;
  }
}
