// Text and look of a cell; must match heat_cell.rs. Scores are hundredths of a point.

const settings = { value: "mean" };
const points = (hundredths) => (hundredths / 100).toFixed(2);
// A share in percent, rounded down, so that 99.96 % is not shown as 100 %.
const share = (part, whole) => `${(Math.floor((part * 1000) / whole) / 10).toFixed(1)} %`;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Labels are foreign text: bdi keeps their writing direction from changing the text around them.
const label = (text) => element("bdi", { textContent: text });

// The class and the name of a cell in which no step is scored: idle if more of its steps are idle than missing.
const withoutScore = (cell) => (cell.scored === 0 && 2 * cell.idle > cell.expected ? "idle" : "unknown");

// The words that follow the number of scored steps.
const idleSteps = (cell) => (cell.idle > 0 ? `, ${cell.idle} idle` : "");

function classesOf(cell) {
  if (cell.mean === null) return withoutScore(cell);
  const classes = [`s${Math.floor(cell[settings.value] / 10)}`];
  if (cell.scored < cell.expected) classes.push("part", `k${Math.floor((cell.scored * 10) / cell.expected)}`);
  if (cell.uncertain) classes.push("uncertain");
  return classes.join(" ");
}

function textOf(cell) {
  if (cell.mean === null) return withoutScore(cell) === "idle" ? "–" : "·";
  return Math.floor(cell[settings.value] / 100) + (cell.uncertain ? "?" : "");
}

// A cell's name: the time at which it begins, unless a change of the clocks begins it later.
const timeOf = (cell) => `${dateOf(dayOf(cell.local))} ${clockOf(cell.local % MINUTES_A_DAY)} ${offsetText(cell.offset)}`;

// What the clock shows at a second: `2026-10-25 03:00 UTC+02:00`.
function clockAt(second, offset) {
  const local = Math.floor(second / 60) + offset;
  return `${dateOf(dayOf(local))} ${clockOf(local % MINUTES_A_DAY)} ${offsetText(offset)}`;
}

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// One sentence with the numbers: for the tip and for a screen reader.
function sentenceOf(cell) {
  if (cell.mean === null) return `${withoutScore(cell)}, none of ${counted(cell.expected, "step")} scored${idleSteps(cell)}`;
  const parts = [
    `mean ${points(cell.mean)}`,
    `lowest ${points(cell.min)}`,
    `${cell.scored} of ${counted(cell.expected, "step")} scored${idleSteps(cell)}`,
  ];
  if (cell.uncertain) parts.push("uncertain");
  if (cell.worst) parts.push(`main cause ${cell.worst}`);
  return parts.join(", ");
}

// Several cells as one: mean and coverage over their steps; `min` is the mean of their minima, `lowest` the lowest.
function fold(cells) {
  const known = cells.filter((cell) => cell.mean !== null);
  const sum = (list, value) => list.reduce((total, cell) => total + value(cell), 0);
  const scored = sum(known, (cell) => cell.scored);
  const expected = sum(cells, (cell) => cell.expected);
  const idle = sum(cells, (cell) => cell.idle);
  const mean = scored > 0 ? Math.floor(sum(known, (cell) => cell.mean * cell.scored) / scored) : null;
  const min = scored > 0 ? Math.floor(sum(known, (cell) => cell.min) / known.length) : null;
  const lowest = known.reduce((low, cell) => Math.min(low, cell.min), 1000);
  return { mean, min, lowest, scored, expected, idle, uncertain: scored < index.minCoverage * expected };
}
