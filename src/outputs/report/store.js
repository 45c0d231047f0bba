// The cells of the page: blocks that data.rs has written, inflated when a cluster is first opened.

const index = JSON.parse(document.getElementById("index").textContent);
// The metrics, then the evidence, which is not scored.
index.charted = [...index.metrics, ...index.evidence];
const inflated = new Map();

// The lines of a cluster: its own, then those of its members.
function load(number) {
  if (!inflated.has(number)) inflated.set(number, inflate(number));
  return inflated.get(number);
}

// The text of a block, inflated.
function unpacked(id) {
  const text = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
}

async function inflate(number) {
  const facts = factsOf(number);
  const numbers = new Numbers(new Uint8Array(await unpacked(`cells-${number}`).arrayBuffer()));
  const cluster = index.clusters[number];
  const lines = [null, ...cluster.members].map((member) => new Line(numbers, cluster.name, member));
  lines.readings = new Readings(numbers, lines[0]);
  lines.facts = await facts;
  return lines;
}

// The findings of a cluster, and its problems by rank with their stretches as [start, end] in seconds.
const unfolded = new Map();
function factsOf(number) {
  if (!unfolded.has(number)) {
    unfolded.set(number, unpacked(`facts-${number}`).json().then(({ problems, findings }) => {
      const byRank = new Map();
      for (const { rank, worst, metrics, spans: flat } of problems) {
        const spans = [];
        let start = 0;
        for (let i = 0; i < flat.length; i += 2) {
          start += flat[i];
          spans.push([start, start + flat[i + 1]]);
        }
        byRank.set(rank, { rank, worst, metrics, spans });
      }
      return { problems: byRank, findings };
    }));
  }
  return unfolded.get(number);
}

// The first of the sorted stretches that ends after a second.
function firstAfter(spans, second) {
  let [from, to] = [0, spans.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (spans[middle][1] <= second) from = middle + 1;
    else to = middle;
  }
  return from;
}

const overlaps = (spans, start, end) => {
  const place = firstAfter(spans, start);
  return place < spans.length && spans[place][0] < end;
};

// Variable-length numbers: seven bits a byte, the lowest first. Products instead of shifts, which end at 31 bits.
class Numbers {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  next() {
    return this.column(1)[0];
  }

  // Plain loops over local variables: a year's columns have millions of numbers.
  column(length) {
    const column = new Float64Array(length);
    const bytes = this.bytes;
    let at = this.at;
    for (let i = 0; i < length; i++) {
      let byte = bytes[at++];
      let number = byte & 127;
      for (let scale = 128; byte >= 128; scale *= 128) {
        byte = bytes[at++];
        number += (byte & 127) * scale;
      }
      column[i] = number;
    }
    this.at = at;
    return column;
  }

  changes(length) {
    const column = this.column(length);
    let value = 0;
    for (let i = 0; i < length; i++) {
      const zigzag = column[i];
      value += zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
      column[i] = value;
    }
    return column;
  }
}

class Line {
  constructor(numbers, cluster, member) {
    const length = numbers.next();
    Object.assign(this, { cluster, member, length });
    for (const name of ["start", "local", "offset"]) this[name] = numbers.changes(length);
    const columns = ["expected", "missing", "flags", "restart", "partial", "min", "above", "idle"];
    for (const name of columns) this[name] = numbers.column(length);
    this.losses = index.metrics.map(() => numbers.column(length));
  }

  get name() {
    return this.member === null ? "the cluster" : this.member;
  }

  // Scores and losses are hundredths of a point.
  cell(i) {
    const losses = this.losses.map((column) => column[i]);
    const known = this.min[i] > 0;
    const metric = Math.floor(this.flags[i] / 2);
    return {
      start: this.start[i],
      end: this.end(i),
      local: this.local[i],
      offset: this.offset[i],
      expected: this.expected[i],
      scored: this.expected[i] - this.missing[i],
      uncertain: this.flags[i] % 2 === 1,
      worst: metric > 0 ? index.metrics[metric - 1].name : null,
      restart: this.restart[i] > 0 ? this.restart[i] - 1 : null,
      partial: this.partial[i],
      idle: this.idle[i],
      min: known ? this.min[i] - 1 : null,
      mean: known ? this.mean(i) : null,
      losses,
    };
  }

  // The second after a cell. A change of the clocks begins a cell late, or cuts it short: then the next one is there.
  end(i) {
    const late = this.local[i] % index.minutes;
    const whole = this.start[i] + (index.minutes - late) * 60;
    return i + 1 < this.length ? Math.min(whole, this.start[i + 1]) : whole;
  }

  // The mean of a cell with a score.
  mean(i) {
    return 1000 - this.losses.reduce((sum, column) => sum + column[i], 0) + this.above[i];
  }

  // The place of the first cell that starts after a second.
  after(second) {
    let [from, to] = [0, this.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.start[middle] <= second) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  // The place of the cell that holds a second, or -1.
  at(second) {
    const next = this.after(second);
    return next > 0 && second < this.end(next - 1) ? next - 1 : -1;
  }

  // The places of the cells of local days, the last one left out.
  *places(fromDay, toDay) {
    for (let i = 0; i < this.length; i++) {
      const day = dayOf(this.local[i]);
      if (day >= fromDay && day < toDay) yield i;
    }
  }
}

const MINUTES_A_DAY = 1440;
const dayOf = (local) => Math.floor(local / MINUTES_A_DAY);
const dateOf = (day) => new Date(day * 86400000).toISOString().slice(0, 10);
const two = (number) => String(number).padStart(2, "0");
const clockOf = (minute) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
const offsetText = (offset) => `UTC${offset < 0 ? "−" : "+"}${clockOf(Math.abs(offset))}`;
