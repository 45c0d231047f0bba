// Annotations as marks on the charts of readings, listed below them. This part exists only if the page has annotations, so
// it wraps the charts' own drawing instead of being called by it.

const notes = unpacked("notes").json();
const drawReadings = Charts.prototype.draw;
// More than these would be a wall of text; the section of events lists all.
const NOTES_LISTED = 12;

Charts.prototype.draw = function (...rest) {
  drawReadings.apply(this, rest);
  const drawing = (this.drawing = {});
  notes.then((all) => drawing === this.drawing && !this.element.hidden && markNotes(this, all));
};

function markNotes(charts, all) {
  const number = index.clusters.findIndex(({ name }) => name === charts.lines[0].cluster);
  const shown = all.filter(([start, end, cluster]) =>
    (cluster === null || cluster === number) && start < charts.last && (end ?? start) >= charts.first);
  for (const { figure } of charts.charts) {
    const picture = figure.querySelector("svg");
    picture.append(...shown.flatMap((note) => marksOf(charts, note)));
    if (shown.length > 0) picture.setAttribute("aria-label", `${picture.getAttribute("aria-label")}; ${counted(shown.length, "annotation")}, listed below`);
  }
  listNotes(charts, shown);
}

// A dotted line at the start, and for a range a bar at the top up to its end.
function marksOf(charts, [start, end, , when, text]) {
  const within = (second) => Math.max(0, Math.min(CHART.width, charts.x(second)));
  const title = () => drawn("title", {}, `${when}: ${text}`);
  const made = [];
  if (start >= charts.first) made.push(drawn("line", { class: "noted", x1: charts.x(start), x2: charts.x(start), y1: 0, y2: CHART.height }, title()));
  if (end !== null) made.push(drawn("rect", { class: "noted-range", x: within(start), y: 0, width: Math.max(1, within(end) - within(start)), height: 4 }, title()));
  return made;
}

function listNotes(charts, shown) {
  charts.element.querySelector(".noted-list")?.remove();
  const keys = charts.element.querySelector(".keys");
  if (!keys.querySelector(".noted")) keys.append(element("span", {}, element("i", { className: "key noted" }), "annotation"));
  if (shown.length === 0) return;
  const items = shown.slice(-NOTES_LISTED).map(([, , , when, text]) => element("li", {}, `${when}: `, label(text)));
  const more = shown.length > NOTES_LISTED ? [element("li", { textContent: `and ${shown.length - NOTES_LISTED} earlier ones, in the section Events` })] : [];
  const list = element("ul", { className: "noted-list" }, ...items, ...more);
  list.setAttribute("aria-label", "Annotations in the charts");
  charts.element.append(list);
}
