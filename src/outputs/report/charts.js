// A small chart of the readings over time for each metric and each evidence, with thresholds, incident bands and one crosshair for all.

const CHART = { width: 600, height: 96, columns: 300 };
const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// From a reading to a height, 0 at the bottom. Times are drawn by their logarithm: 5 ms and 5 s on one chart.
function scaleOf(metric, readings) {
  const found = readings.flatMap((one) => (one ? [one.p50, one.max] : [])).filter((value) => value > 0);
  const all = [...found, ...metric.thresholds];
  if (all.length === 0) return () => 0;
  const top = Math.max(...all);
  if (metric.unit !== "s") return (value) => (value / (top * 1.08)) * CHART.height;
  const [low, high] = [Math.log(Math.min(...all) * 0.8), Math.log(top * 1.2)];
  return (value) => Math.max(0, ((Math.log(Math.max(value, 1e-9)) - low) / (high - low)) * CHART.height);
}

class Charts {
  constructor(lines, open) {
    this.lines = lines;
    this.slider = element("input", { type: "range", min: 0, value: 0 });
    this.slider.setAttribute("aria-label", "Time of the crosshair");
    this.slider.addEventListener("input", () => this.point(Number(this.slider.value)));
    this.when = element("output", { className: "when" });
    this.look = element("button", { type: "button", textContent: "Open cell" });
    this.look.addEventListener("click", () => this.place !== undefined && open(this.place));
    this.grid = element("div", { className: "charts" });
    this.evidence = element("div", { className: "charts" });
    const bar = element("div", { className: "bar crosshair" }, element("label", {}, "Time ", this.slider), this.when, this.look);
    this.element = element("div", {}, element("h4", { textContent: "Readings of the cluster" }), this.note(), this.grid,
      ...(index.evidence.length > 0 ? [element("h4", { textContent: "Evidence of causes, not scored" }), this.evidence] : []), bar);
    this.open = open;
  }

  note() {
    const key = (name, text) => element("span", {}, element("i", { className: `key ${name}` }), text);
    return element("p", { className: "quiet keys" }, key("max", "highest"), key("p50", "median of all members and steps"),
      key("over", "above a threshold"), key("limit", "threshold"), key("incident", "problem"));
  }

  // Draws the local days from one up to another.
  draw(from, to, shown) {
    const line = this.lines[0];
    this.places = [...line.places(from, to)];
    if (this.places.length === 0) return void (this.element.hidden = true);
    this.element.hidden = false;
    this.first = line.start[this.places[0]];
    this.last = line.end(this.places[this.places.length - 1]);
    const size = Math.ceil(this.places.length / CHART.columns);
    this.columns = [];
    for (let i = 0; i < this.places.length; i += size) this.columns.push(this.places.slice(i, i + size));
    this.charts = index.charted.map((metric, m) => this.chart(metric, m, shown));
    const figures = this.charts.map((chart) => chart.figure);
    this.grid.replaceChildren(...figures.slice(0, index.metrics.length));
    this.evidence.replaceChildren(...figures.slice(index.metrics.length));
    this.slider.max = this.places.length - 1;
    this.point(null);
  }

  x(second) {
    return ((second - this.first) / (this.last - this.first)) * CHART.width;
  }

  chart(metric, m, shown) {
    const readings = this.columns.map((places) => {
      const known = places.map((i) => this.lines.readings.at(m, i)).filter((one) => one);
      return known.length > 0 ? joined(known) : null;
    });
    const scale = scaleOf(metric, readings);
    const middle = (places) => (this.x(this.lines[0].start[places[0]]) + this.x(this.lines[0].end(places[places.length - 1]))) / 2;
    const dots = readings.map((one, c) => one && [middle(this.columns[c]), CHART.height - scale(one.max), CHART.height - scale(one.p50), one]);
    const isOver = (dot) => dot && metric.thresholds.length > 0 && dot[3].max > metric.thresholds[0];
    const limits = metric.thresholds.map((value) => {
      const y = (CHART.height - scale(value)).toFixed(1);
      return drawn("line", { class: "limit", x1: 0, x2: CHART.width, y1: y, y2: y });
    });
    const line = drawn("line", { class: "cross", y1: 0, y2: CHART.height, visibility: "hidden" });
    const picture = drawn("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, preserveAspectRatio: "none", role: "img" },
      ...this.bands(m, shown), ...limits, drawn("path", { class: "spread", d: area(dots) }),
      drawn("path", { class: "p50", d: pathOf(dots, 2) }), drawn("path", { class: "max", d: pathOf(dots, 1) }),
      drawn("path", { class: "over", d: dots.filter(isOver).map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("") }), line);
    const highest = Math.max(0, ...readings.map((one) => (one ? one.max : 0)));
    const any = readings.some((one) => one);
    const upTo = metric.unit === "flag" ? "" : "up to ";
    const says = any ? `${upTo}${readingText(metric, highest)}` : "no reading";
    const limit = thresholdText(metric) ? `, threshold ${thresholdText(metric)}` : "";
    picture.setAttribute("aria-label", `${metric.title}: ${says}${limit}`);
    const value = element("output", { textContent: `${says}${limit}` });
    const figure = element("figure", {}, element("figcaption", {}, element("strong", { textContent: metric.title }), value), picture);
    for (const name of ["pointermove", "pointerdown"]) picture.addEventListener(name, (event) => this.point(this.under(event, picture)));
    picture.addEventListener("click", (event) => this.open(this.places[this.under(event, picture)]));
    picture.addEventListener("pointerleave", () => this.point(null));
    return { figure, line, value, metric, m, says: `${says}${limit}` };
  }

  under(event, picture) {
    const box = picture.getBoundingClientRect();
    const second = this.first + ((event.clientX - box.left) / box.width) * (this.last - this.first);
    const place = this.lines[0].after(second) - 1 - this.places[0];
    return Math.max(0, Math.min(this.places.length - 1, place));
  }

  // The stretches of the metric's problems, and more strongly those of the shown problem.
  bands(m, shown) {
    const isHere = (one) => one === shown || (one.metrics.includes(m) && !isRest(one.rank));
    return [...this.lines.facts.problems.values()].filter(isHere).flatMap((problem) => {
      const made = [];
      for (let i = firstAfter(problem.spans, this.first); i < problem.spans.length && problem.spans[i][0] < this.last; i++) {
        const [x, end] = problem.spans[i].map((second) => Math.max(0, Math.min(CHART.width, this.x(second))));
        made.push(drawn("rect", { class: problem === shown ? "incident shown" : "incident", x, y: 0, width: Math.max(1, end - x), height: CHART.height }));
      }
      return made;
    });
  }

  // Moves the crosshair to one of the drawn cells, or away.
  point(at) {
    this.place = at === null ? undefined : this.places[at];
    this.look.hidden = at === null;
    const line = this.lines[0];
    for (const { line: cross, value, metric, m, says } of this.charts) {
      cross.setAttribute("visibility", at === null ? "hidden" : "visible");
      if (at === null) {
        value.textContent = says;
        continue;
      }
      const x = this.x((line.start[this.place] + line.end(this.place)) / 2);
      cross.setAttribute("x1", x);
      cross.setAttribute("x2", x);
      const one = this.lines.readings.at(m, this.place);
      value.textContent = one ? `median ${readingText(metric, one.p50)}, highest ${readingText(metric, one.max)}` : "no reading";
    }
    this.when.textContent = at === null ? "" : timeOf(line.cell(this.place));
    if (at !== null) this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", at === null ? "not set" : this.when.textContent);
  }
}

function pathOf(dots, which) {
  let [path, isDown] = ["", false];
  for (const dot of dots) {
    if (dot) path += `${isDown ? "L" : "M"}${dot[0].toFixed(1)} ${dot[which].toFixed(1)}`;
    isDown = Boolean(dot);
  }
  return path;
}

// The area between median and maximum, one piece for each stretch without a gap.
function area(dots) {
  const pieces = [];
  let piece = [];
  for (const dot of [...dots, null]) {
    if (dot) piece.push(dot);
    else if (piece.length > 0) {
      const point = (x, y) => `${x.toFixed(1)} ${y.toFixed(1)}`;
      pieces.push(`M${[...piece.map((d) => point(d[0], d[1])), ...piece.reverse().map((d) => point(d[0], d[2]))].join("L")}z`);
      piece = [];
    }
  }
  return pieces.join("");
}
