// The panel beside a heat map that shows the details of a cell.

function fillPanel(panel, opener, title, ...content) {
  const close = element("button", { type: "button", className: "close", textContent: "Close" });
  const heading = element("h4", { textContent: title, tabIndex: -1 });
  panel.replaceChildren(close, heading, ...content);
  panel.hidden = false;
  markOpened(panel, opener);
  panel.closePanel = () => {
    panel.hidden = true;
    markOpened(panel, null);
    if (opener.isConnected) opener.focus();
  };
  close.addEventListener("click", panel.closePanel);
  heading.focus({ preventScroll: true });
}

// The cell that the panel is about stays marked while the focus is elsewhere.
function markOpened(panel, cell) {
  panel.parentElement.querySelectorAll(".opened").forEach((before) => before.classList.remove("opened"));
  if (cell?.matches("td")) cell.classList.add("opened");
}

function facts(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    list.append(element("dt", { textContent: name }), element("dd", {}, value));
  }
  return list;
}

function smallTable(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })));
  const body = element("tbody");
  for (const [first, ...rest] of rows) {
    const data = rest.map((value) => element("td", { className: "figure" }, value));
    body.append(element("tr", {}, element("th", { scope: "row" }, first), ...data));
  }
  return element("table", {}, element("thead", {}, head), body);
}

// Score, coverage and marks of a cell.
function cellFacts(line, cell) {
  const known = cell.mean !== null;
  const pairs = [
    ["of", label(line.name)],
    ["from", clockAt(cell.start, cell.offset)],
    ["to", clockAt(cell.end, cell.offset)],
    ["mean", known ? points(cell.mean) : withoutScore(cell)],
    ["lowest", known ? points(cell.min) : withoutScore(cell)],
    ["coverage", `${cell.scored} of ${counted(cell.expected, "step")} scored (${share(cell.scored, cell.expected)})`],
    ["worst metric", cell.worst || (known ? "none cost anything" : withoutScore(cell))],
  ];
  if (cell.idle > 0) pairs.push(["idle", `${counted(cell.idle, "step")}: ${index.whyIdle}`]);
  if (cell.uncertain) pairs.push(["uncertain", `less than ${Number((index.minCoverage * 100).toPrecision(12))} % of its steps are scored`]);
  if (cell.restart > 0) pairs.push(["after restart", counted(cell.restart, "step")]);
  if (cell.partial > 0) pairs.push(["partial", `${counted(cell.partial, "step")} at which the server left something out`]);
  return facts(pairs);
}

function lossTable(cell) {
  if (cell.mean === null) {
    const why = withoutScore(cell) === "idle" ? `Idle: ${index.whyIdle}.` : "No data for this time: no step was scored.";
    return element("p", { textContent: why });
  }
  const rows = index.metrics.map((metric, i) => {
    const meter = element("meter", { max: 1000, value: cell.losses[i] });
    meter.setAttribute("aria-hidden", "true");
    return [metric.name, points(cell.losses[i]), meter];
  });
  const rules = index.metrics.filter((metric, i) => cell.losses[i] > 0).map((metric) => [metric.name, metric.judged]);
  const made = element("div", {}, smallTable(["Points lost by", "Mean", ""], rows));
  if (rules.length > 0) made.append(element("h5", { textContent: "Points by rule" }), facts(rules));
  return made;
}

// The members at the time of a cell, the worst first; a name shows that member's heat map.
function memberTable(lines, start, show) {
  const found = lines.slice(1).flatMap((line) => {
    const place = line.at(start);
    return place < 0 ? [] : [{ line, cell: line.cell(place) }];
  });
  found.sort((a, b) => (a.cell.mean ?? -1) - (b.cell.mean ?? -1));
  const rows = found.map(({ line, cell }) => {
    const name = element("button", { type: "button" }, label(line.name));
    name.addEventListener("click", () => show(line, start));
    const score = (value) => (value === null ? withoutScore(cell) : points(value));
    return [name, score(cell.mean), score(cell.min), share(cell.scored, cell.expected), cell.worst || "–"];
  });
  return smallTable(["Member, worst first", "Mean", "Lowest", "Scored", "Main cause"], rows);
}

function openCell(panel, opener, lines, line, cell, show) {
  const parts = [cellFacts(line, cell), lossTable(cell)];
  if (line.member === null) parts.push(memberTable(lines, cell.start, show));
  fillPanel(panel, opener, timeOf(cell), ...parts);
}

const LOWEST_SHOWN = 8;

function openProfile(panel, opener, line, when, cell, cells, show) {
  const lowest = cells.filter((one) => one.mean !== null).sort((a, b) => a.mean - b.mean).slice(0, LOWEST_SHOWN);
  const rows = lowest.map((one) => {
    const name = element("button", { type: "button", textContent: timeOf(one) });
    name.addEventListener("click", () => show(line, one.start));
    return [name, points(one.mean), points(one.min), one.worst || "–"];
  });
  const says = element("p", { textContent: profileSentence(cell, cells) });
  fillPanel(panel, opener, when, says, smallTable(["Lowest of them", "Mean", "Lowest", "Main cause"], rows));
}
