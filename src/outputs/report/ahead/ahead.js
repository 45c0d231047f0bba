// The hours ahead in the heat map of a cluster. This part exists only if the page has a forecast, so it wraps the map's
// own drawing instead of being called by it.

const ahead = JSON.parse(document.getElementById("ahead-hours").textContent);
const drawPast = View.prototype.drawDays;

View.prototype.drawDays = function () {
  drawPast.call(this);
  // A cell of the forecast is an hour wide.
  const line = this.lines[0];
  if (index.minutes !== 60 || line.length === 0 || this.level.value !== "0") return;
  const last = dayOf(line.local[line.length - 1]);
  const [from, to] = this.days();
  const hours = ahead[index.clusters.findIndex(({ name }) => name === line.cluster)];
  if (last >= from && last < to) continueMap(this.map.querySelector("table.heat"), last, hours);
};

// Adds the hours to the row of the last day and to new rows. Places of the past stay as they are.
function continueMap(grid, last, hours) {
  const columns = [...grid.tHead.rows[0].cells].map((head) => head.textContent);
  const rows = new Map([[last, grid.tBodies[0].rows[grid.tBodies[0].rows.length - 1]]]);
  for (const [local, median, says] of hours) {
    const column = columns.indexOf(columnText(local % MINUTES_A_DAY));
    if (column < 0) continue;
    const day = dayOf(local);
    if (!rows.has(day)) rows.set(day, grid.tBodies[0].appendChild(emptyRow(day, columns.length)));
    const place = rows.get(day).cells[column];
    if (place.hasAttribute("aria-label")) continue;
    const made = element("td", { className: `s${Math.floor(median / 10)} ahead`, textContent: Math.floor(median / 100), tabIndex: -1 });
    made.setAttribute("aria-label", says);
    place.replaceWith(made);
  }
}

function emptyRow(day, length) {
  const head = element("th", { scope: "row", textContent: dateOf(day), title: `${dateOf(day)}, ${WEEKDAYS[(day + 3) % 7]}` });
  head.classList.toggle("weekend", (day + 3) % 7 > 4);
  return element("tr", {}, head, ...Array.from({ length: length - 1 }, () => element("td", { className: "none" })));
}
