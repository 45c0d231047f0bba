// A cluster: the whole range, a map of some days, the week, and charts of the readings.

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

// A table that scrolls by itself, also by keys.
function scrolling(table, name) {
  const around = element("div", { className: "scroll", tabIndex: 0 }, table);
  around.setAttribute("role", "group");
  around.setAttribute("aria-label", name);
  return around;
}

// The part of a cluster below its summary.
class View {
  constructor(details, lines) {
    this.lines = lines;
    this.shownProblem = null;
    this.map = element("div", { className: "map" });
    this.week = element("div", { className: "week" });
    this.weekSays = element("p", { className: "quiet" });
    this.months = lines[0].length > 0 ? periodsOf(lines[0]) : [];
    this.period = this.choice("Days ", this.months.map(([name]) => name), Math.max(0, this.lastMonth()));
    this.level = this.choice("Of ", [...lines.map((line) => line.name), ...(lines.length > 2 ? ["each member"] : [])], 0);
    this.navigator = new Overview(this.months, (place) => this.choosePeriod(place));
    this.charts = new Charts(lines, (place) => this.show(lines[0], lines[0].start[place]));
    const bar = element("form", { className: "bar" }, this.period.parentElement, this.level.parentElement);
    const week = element("div", { className: "of-week" }, element("h4", { textContent: "By weekday and hour, over the whole range" }), this.weekSays, this.week);
    const map = element("div", { className: "of-days" }, element("h4", { textContent: "By day and hour" }), this.map);
    details.append(this.navigator.element, bar, element("div", { className: "beside" }, map, week), this.charts.element);
    // The first picture does not wait for the week and the charts.
    this.drawDays();
    setTimeout(() => this.isDrawn || this.drawRest());
  }

  choosePeriod(place) {
    this.period.value = String(place);
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
    this.drawDays();
    this.drawRest();
  }

  // The hours of the week and the charts.
  drawRest() {
    this.isDrawn = true;
    const profile = (line, ...rest) => openProfile(this, document.activeElement, line, ...rest);
    this.week.replaceChildren(...this.titled((line) => scrolling(weekProfile(line, profile), "Hours of the week")));
    const values = { mean: "the mean over all scored steps", min: "the mean of the cells’ lowest scores" };
    this.weekSays.textContent = `Color and number: ${values[settings.value]} of that hour in all weeks.`;
    this.charts.draw(...this.days(), this.shownProblem);
  }

  // The map of the chosen days, and their place in the whole range.
  drawDays() {
    const open = (line, place) => openCell(this, document.activeElement, line, place);
    this.map.replaceChildren(...this.titled((line) => scrolling(heatMap(line, ...this.days(), open), "Heat map")));
    this.navigator.draw(this.shown()[0], Number(this.period.value), this.shownProblem?.spans);
    this.outline();
  }

  // The chosen days: the first, and the one after the last.
  days() {
    const [, from, to] = this.months[Number(this.period.value)] || ["", 0, 0];
    return [from, to];
  }

  // A table for each shown line, with its name if there are several.
  titled(made) {
    const shown = this.shown();
    return shown.flatMap((line) => (shown.length > 1 ? [element("h5", {}, label(line.name)), made(line)] : [made(line)]));
  }

  // Outlines every cell of the shown problem, and goes to its worst one.
  showProblem(rank) {
    const problem = this.lines.facts.problems.get(rank);
    this.shownProblem = problem;
    const [start, end] = problem.spans.find((span) => problem.worst >= span[0] && problem.worst < span[1]) || problem.spans[0];
    const within = problem.worst >= start && problem.worst < end ? problem.worst : start;
    this.level.value = "0";
    this.goTo(this.lines[0], within);
  }

  clearProblem() {
    if (!this.shownProblem) return;
    this.shownProblem = null;
    this.draw();
  }

  outline() {
    const spans = this.shownProblem?.spans;
    if (!spans) return;
    for (const cell of this.map.querySelectorAll("td[data-start]")) {
      cell.classList.toggle("outlined", overlaps(spans, Number(cell.dataset.start), Number(cell.dataset.end)));
    }
  }

  // Shows the cell that holds a second and opens its panel.
  show(line, second) {
    const cell = this.goTo(line, second);
    cell?.openCell();
  }

  // Draws the days around a second, and puts the focus on its cell.
  goTo(line, second) {
    this.level.value = String(this.lines.indexOf(line));
    const found = line.at(second);
    const place = found >= 0 ? found : Math.max(0, line.after(second) - 1);
    const day = dayOf(line.local[place]);
    const within = ([, from, to]) => day >= from && day < to;
    if (!within(this.months[Number(this.period.value)])) this.period.value = String(this.months.findIndex(within));
    this.draw();
    const cell = this.map.querySelector(`td[data-start="${line.start[place]}"]`);
    cell?.scrollIntoView({ block: "center", inline: "nearest" });
    cell?.focus({ preventScroll: true });
    return cell;
  }
}
