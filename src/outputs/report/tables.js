// Heat maps as tables, and the keys that walk through them.

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
// 1970-01-01 was a Thursday.
const weekdayOf = (local) => (dayOf(local) + 3) % 7;

// Days of a line, each with its cells by column. A column is a minute of the day, and a second one where clocks
// go back. A cell that begins where clocks change is in the column of the whole cell.
function daysOf(line, from, to) {
  const days = new Map();
  const columns = new Map();
  for (const i of line.places(from, to)) {
    const day = dayOf(line.local[i]);
    const minute = (line.local[i] % MINUTES_A_DAY) - (line.local[i] % index.minutes);
    if (!days.has(day)) days.set(day, new Map());
    let again = 0;
    while (days.get(day).has(minute * 4 + again)) again++;
    const key = minute * 4 + again;
    days.get(day).set(key, i);
    columns.set(key, { key, text: columnText(minute) + (again ? " again" : ""), wide: index.minutes < 60 && minute % 60 });
  }
  return { days, columns: [...columns.values()].sort((a, b) => a.key - b.key) };
}

const columnText = (minute) => (minute % 60 ? clockOf(minute) : two(Math.floor(minute / 60)));

function heatMap(line, from, to, open) {
  const { days, columns } = daysOf(line, from, to);
  const rows = [...days].map(([day, cells]) => ({
    head: dateOf(day),
    title: `${dateOf(day)}, ${WEEKDAYS[(day + 3) % 7]}`,
    weekend: (day + 3) % 7 > 4,
    cells: columns.map((column) => {
      if (!cells.has(column.key)) return null;
      const cell = line.cell(cells.get(column.key));
      return { cell, says: `${timeOf(cell)}: ${sentenceOf(cell)}`, open: () => open(line, cells.get(column.key)), start: cell.start, end: cell.end };
    }),
  }));
  return table(line, "day and hour", "Day", columns, rows);
}

// 168 cells at an hour's width; narrower cells are folded into their hour.
function weekProfile(line, open) {
  const folded = WEEKDAYS.map(() => new Map());
  for (let i = 0; i < line.length; i++) {
    const hours = folded[weekdayOf(line.local[i])];
    const hour = Math.floor((line.local[i] % MINUTES_A_DAY) / 60);
    if (!hours.has(hour)) hours.set(hour, []);
    hours.get(hour).push(i);
  }
  const hours = [...new Set(folded.flatMap((day) => [...day.keys()]))].sort((a, b) => a - b);
  const columns = hours.map((hour) => ({ key: hour, text: two(hour) }));
  const rows = WEEKDAYS.map((name, weekday) => ({
    head: name,
    title: name,
    cells: hours.map((hour) => {
      const places = folded[weekday].get(hour);
      if (!places) return null;
      const cells = places.map((i) => line.cell(i));
      const cell = fold(cells);
      const when = `${name}s at ${two(hour)}:00`;
      return { cell, says: `${when}: ${profileSentence(cell, cells)}`, open: () => open(line, when, cell, cells) };
    }),
  }));
  return table(line, "weekday and hour", "Weekday", columns, rows);
}

function profileSentence(cell, cells) {
  if (cell.mean === null) return `${withoutScore(cell)}, none of ${counted(cell.expected, "step")} scored${idleSteps(cell)}`;
  const means = `mean ${points(cell.mean)}, mean of the minima ${points(cell.min)}, lowest ${points(cell.lowest)}`;
  return `${means}, ${share(cell.scored, cell.expected)} of steps scored${idleSteps(cell)}, ${counted(cells.length, "cell")}`;
}

function table(line, by, corner, columns, rows) {
  const head = element("tr", {}, element("th", { scope: "col", textContent: corner }));
  for (const column of columns) {
    head.append(element("th", { scope: "col", textContent: column.text, className: column.wide ? "quiet" : "" }));
  }
  const body = element("tbody");
  for (const row of rows) {
    const first = element("th", { scope: "row", textContent: row.head, title: row.title });
    first.classList.toggle("weekend", row.weekend === true);
    body.append(element("tr", {}, first, ...row.cells.map(tableCell)));
  }
  const made = element("table", { className: "heat grid" }, element("thead", {}, head), body);
  made.setAttribute("aria-label", `${line.cluster}, ${line.name}, by ${by}`);
  return walkable(made);
}

function tableCell(filled) {
  if (!filled) return element("td", { className: "none" });
  const made = element("td", { className: classesOf(filled.cell), textContent: textOf(filled.cell) });
  made.setAttribute("aria-label", filled.says);
  made.openCell = filled.open;
  if (filled.start !== undefined) Object.assign(made.dataset, { start: filled.start, end: filled.end });
  return made;
}

// One tab stop; arrows, Home and End walk, Enter opens. A place where nothing existed is stepped over.
function walkable(grid) {
  grid.setAttribute("role", "grid");
  const cells = grid.querySelectorAll("td[aria-label]");
  for (const cell of cells) cell.tabIndex = -1;
  if (cells.length > 0) cells[0].tabIndex = 0;
  grid.addEventListener("focusin", (event) => {
    if (!event.target.matches("td[aria-label]")) return;
    grid.querySelectorAll('td[tabindex="0"]').forEach((cell) => (cell.tabIndex = -1));
    event.target.tabIndex = 0;
  });
  grid.addEventListener("keydown", (event) => {
    const next = event.target.matches("td[aria-label]") && walk(event.target, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  return grid;
}

function walk(cell, key) {
  const row = cell.parentElement;
  const filled = [...row.querySelectorAll("td[aria-label]")];
  const place = filled.indexOf(cell);
  switch (key) {
    case "ArrowRight": return filled[place + 1];
    case "ArrowLeft": return filled[place - 1];
    case "Home": return filled[0];
    case "End": return filled[filled.length - 1];
    case "ArrowDown": return below(row, "nextElementSibling", cell.cellIndex);
    case "ArrowUp": return below(row, "previousElementSibling", cell.cellIndex);
    default: return undefined;
  }
}

function below(row, sibling, column) {
  for (let next = row[sibling]; next; next = next[sibling]) {
    if (!next.hidden && next.cells[column].hasAttribute("aria-label")) return next.cells[column];
  }
  return undefined;
}
