// The panel that shows the details of a cell: at the right, or at the bottom of a narrow window.

const panel = document.getElementById("panel");

function fillPanel(opener, title, ...content) {
  const close = element("button", { type: "button", className: "close", textContent: "Close" });
  const heading = element("h2", { textContent: title, tabIndex: -1 });
  panel.replaceChildren(element("div", { className: "panel-top" }, heading, close), ...content);
  panel.hidden = false;
  panel.scrollTop = 0;
  markOpened(opener);
  panel.closePanel = () => {
    panel.hidden = true;
    markOpened(null);
    remember({ cell: null, at: null, of: null });
    if (opener?.isConnected) opener.focus();
  };
  close.addEventListener("click", panel.closePanel);
  heading.focus({ preventScroll: true });
  // A sheet at the bottom would cover a cell in the lower half of the window.
  if (opener?.matches("td") && matchMedia("(max-width: 640px)").matches) opener.scrollIntoView({ block: "start", inline: "center" });
}

// The cell that the panel is about stays marked while the focus is elsewhere.
function markOpened(cell) {
  document.querySelectorAll(".opened").forEach((before) => before.classList.remove("opened"));
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
  if (cell.partial > 0) pairs.push(["partial", `${counted(cell.partial, "step")} for which the source lacks data`]);
  return facts(pairs);
}

// Each metric's readings beside its threshold and what it cost; a member's cell has only what it cost.
function lossTable(lines, line, cell, place) {
  if (cell.mean === null && line.member !== null) {
    return element("p", { textContent: withoutScore(cell) === "idle" ? `Idle: ${index.whyIdle}.` : "No data for this time: no step was scored." });
  }
  const isOfCluster = line.member === null;
  const rows = index.metrics.map((metric, m) => {
    const cost = cell.mean === null ? "–" : points(cell.losses[m]);
    const name = element("span", { className: cell.losses[m] > 0 ? "costs" : "", textContent: metric.title });
    if (!isOfCluster) return [name, cost];
    const one = lines.readings.at(m, place);
    const over = one && metric.thresholds.length > 0 && one.max > metric.thresholds[0];
    const highest = element("span", { className: over ? "costs" : "", textContent: one ? readingText(metric, one.max) : "–" });
    return [name, one ? readingText(metric, one.p50) : "–", highest, thresholdText(metric) || "–", cost];
  });
  const heads = isOfCluster ? ["Reading", "Median", "Highest", "Threshold", "Lost"] : ["Metric", "Lost"];
  const made = element("div", {}, smallTable(heads, rows));
  const whose = isOfCluster ? index.metrics.map((metric, m) => [metric, lines.readings.at(m, place)]) : [];
  const highest = whose.filter(([, one]) => one?.member).map(([metric, one]) => [metric.title, label(one.member)]);
  if (highest.length > 0) made.append(element("h3", { textContent: "Highest reading above a threshold" }), facts(highest));
  if (isOfCluster && index.evidence.length > 0) made.append(evidenceTable(lines, place));
  const rules = index.metrics.filter((metric, m) => cell.losses[m] > 0).map((metric) => [metric.title, metric.judged]);
  if (rules.length > 0) made.append(element("details", {}, element("summary", { textContent: "Points by rule" }), facts(rules)));
  return made;
}

// What was read besides the metrics, with the member that had the highest reading.
function evidenceTable(lines, place) {
  const rows = index.evidence.map((one, e) => {
    const read = lines.readings.at(index.metrics.length + e, place);
    if (!read) return [one.title, "–", "–", "–"];
    return [one.title, readingText(one, read.p50), readingText(one, read.max), read.member ? label(read.member) : "–"];
  });
  return element("div", {}, element("h3", { textContent: "Evidence of causes, not scored" }), smallTable(["Reading", "Median", "Highest", "Of"], rows));
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

// The problems to which a cell belongs, as links to their cards.
function problemLinks(lines, cell) {
  const found = [...lines.facts.problems.values()].filter(({ spans }) => overlaps(spans, cell.start, cell.end));
  if (found.length === 0) return [];
  const links = found.map(({ rank }) => {
    const title = document.querySelector(`#problem-${rank} .title`).textContent;
    return element("li", {}, element("a", { href: `#problem-${rank}` }, `Problem ${rank}: `, label(title)));
  });
  return [element("h3", { textContent: found.length === 1 ? "Its problem" : "Its problems" }), element("ul", {}, ...links)];
}

// An argument as a shell takes it: quoted unless it is plain.
const quoted = (text) => (/^[\w./:@%+=][\w./:@%+=-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const utc = (second) => new Date(second * 1000).toISOString().replace(".000", "");

function commandLine(line, cell) {
  const text = `etcd-heatmap explain . --cluster ${quoted(line.cluster)} --at ${utc(cell.start)}`;
  const copy = element("button", { type: "button", textContent: "Copy" });
  copy.addEventListener("click", () => copyText(text, "Command copied"));
  return [element("h3", { textContent: "Step by step, in the report’s folder" }), element("p", { className: "command" }, element("code", { textContent: text }), copy)];
}

function openCell(view, opener, line, place) {
  const cell = line.cell(place);
  const parts = [cellFacts(line, cell), lossTable(view.lines, line, cell, place)];
  if (line.member === null) parts.push(memberTable(view.lines, cell.start, (one, start) => view.show(one, start)));
  fillPanel(opener, timeOf(cell), ...parts, ...problemLinks(view.lines, cell), ...commandLine(line, cell));
  remember({ cell: line.cluster, at: utc(cell.start), of: line.member });
}

const LOWEST_SHOWN = 8;

function openProfile(view, opener, line, when, cell, cells) {
  const lowest = cells.filter((one) => one.mean !== null).sort((a, b) => a.mean - b.mean).slice(0, LOWEST_SHOWN);
  const rows = lowest.map((one) => {
    const name = element("button", { type: "button", textContent: timeOf(one) });
    name.addEventListener("click", () => view.show(line, one.start));
    return [name, points(one.mean), points(one.min), one.worst || "–"];
  });
  const says = element("p", { textContent: profileSentence(cell, cells) });
  fillPanel(opener, when, says, smallTable(["Lowest of them", "Mean", "Lowest", "Main cause"], rows));
}
