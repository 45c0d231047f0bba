// The cells of the page: blocks that data.rs has written, inflated when a cluster is first opened.

const index = JSON.parse(document.getElementById("index").textContent);
const inflated = new Map();

// The lines of a cluster: its own, then those of its members.
function load(number) {
  if (!inflated.has(number)) inflated.set(number, inflate(number));
  return inflated.get(number);
}

async function inflate(number) {
  const text = document.getElementById(`cells-${number}`).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const numbers = new Numbers(new Uint8Array(await new Response(stream).arrayBuffer()));
  const cluster = index.clusters[number];
  return [null, ...cluster.members].map((member) => new Line(numbers, cluster.name, member));
}

// Variable-length numbers: seven bits a byte, the lowest first. Products instead of shifts, which end at 31 bits.
class Numbers {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  next() {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++];
      number += (byte & 127) * scale;
      if (byte < 128) return number;
    }
  }

  column(length) {
    return Float64Array.from({ length }, () => this.next());
  }

  changes(length) {
    let value = 0;
    return Float64Array.from({ length }, () => {
      const zigzag = this.next();
      value += zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
      return value;
    });
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
      mean: known ? 1000 - losses.reduce((sum, loss) => sum + loss, 0) + this.above[i] : null,
      losses,
    };
  }

  // The second after a cell. A change of the clocks begins a cell late, or cuts it short: then the next one is there.
  end(i) {
    const late = this.local[i] % index.minutes;
    const whole = this.start[i] + (index.minutes - late) * 60;
    return i + 1 < this.length ? Math.min(whole, this.start[i + 1]) : whole;
  }

  // The place of the cell that holds a second, or -1.
  at(second) {
    let [from, to] = [0, this.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.start[middle] <= second) from = middle + 1;
      else to = middle;
    }
    return from > 0 && second < this.end(from - 1) ? from - 1 : -1;
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
