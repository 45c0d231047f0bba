// Opens clusters, reacts to the settings, keeps the state in the address, and shows the tip.

const root = document.documentElement;
const tip = document.getElementById("tip");
const views = new Map();
const isRest = (rank) => document.getElementById(`problem-${rank}`).dataset.shape === "scattered";

async function viewOf(number) {
  const details = document.getElementById(`cluster-${number}`);
  details.open = true;
  if (!views.has(number)) views.set(number, load(number).then((lines) => new View(details, lines)));
  return views.get(number);
}

// The state that the address holds: the open cell and the shown problem.
const state = {};

function remember(changes) {
  Object.assign(state, changes);
  const known = Object.entries(state).filter(([, value]) => value !== null && value !== undefined);
  const hash = new URLSearchParams(known).toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

async function showProblem(number, rank) {
  await hideProblem();
  const view = await viewOf(number);
  view.showProblem(rank);
  document.querySelectorAll(".problem").forEach((card) => card.classList.toggle("is-shown", Number(card.dataset.rank) === rank));
  say(`Cells of problem ${rank} are outlined; Escape removes the outline`);
  remember({ show: rank });
}

async function hideProblem() {
  if (!state.show) return;
  for (const view of views.values()) (await view).clearProblem();
  document.querySelectorAll(".problem.is-shown").forEach((card) => card.classList.remove("is-shown"));
  say("");
  remember({ show: null });
}

// Brings back what the address holds. A reload, or a link that someone sent, opens the same cell.
async function restore() {
  const target = location.hash.match(/^#(problem|cluster)-(\d+)$/);
  if (target) return reveal(target[0].slice(1), target[1] === "cluster" && Number(target[2]));
  const asked = new URLSearchParams(location.hash.slice(1));
  const shown = asked.has("show") && document.querySelector(`#problem-${Number(asked.get("show"))} .show`);
  if (shown) await showProblem(Number(shown.dataset.cluster), Number(shown.dataset.problem));
  const number = index.clusters.findIndex(({ name }) => name === asked.get("cell"));
  if (number < 0) return undefined;
  const view = await viewOf(number);
  const line = view.lines.find(({ member }) => member === asked.get("of")) || view.lines[0];
  const second = Date.parse(asked.get("at")) / 1000;
  return Number.isFinite(second) && line.length > 0 && view.show(line, second);
}

async function reveal(id, number) {
  const found = document.getElementById(id);
  for (let around = found; around; around = around.parentElement) if (around.matches("details")) around.open = true;
  if (number !== false && found) await viewOf(number);
  found?.scrollIntoView();
}

const statusLine = document.getElementById("status");
function say(text, seconds) {
  statusLine.textContent = text;
  if (seconds) setTimeout(() => statusLine.textContent === text && say(""), seconds * 1000);
}

for (const details of document.querySelectorAll("details.cluster")) {
  details.addEventListener("toggle", () => details.open && viewOf(Number(details.dataset.number)));
}

document.getElementById("settings").addEventListener("change", async (event) => {
  const { name, value } = event.target;
  if (name === "value") settings.value = value;
  else root.dataset[name] = value;
  if (name !== "theme") for (const view of views.values()) (await view).draw();
});

async function activate(target) {
  const cell = target.closest("td[aria-label]");
  if (cell?.openCell) {
    cell.focus();
    return cell.openCell();
  }
  const show = target.closest("[data-problem]");
  if (show) return showProblem(Number(show.dataset.cluster), Number(show.dataset.problem));
  const copy = target.closest("button.copy");
  if (copy) return copyProblem(copy.closest(".problem"));
  const opener = target.closest("[data-cluster]");
  if (!opener) return undefined;
  const view = await viewOf(Number(opener.dataset.cluster));
  return view.show(view.lines[0], Number(opener.dataset.start));
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
  if (!panel.hidden) panel.closePanel();
  else hideProblem();
});
addEventListener("hashchange", restore);
walkable(document.getElementById("cluster-table"));
sortable(document.getElementById("cluster-table"));
root.classList.add("script");
Promise.all(index.open.map(viewOf)).then(restore);
