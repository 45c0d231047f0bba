// Readings of a cluster's cells and their text; must match readings.rs.

class Readings {
  constructor(numbers, line) {
    this.members = index.clusters.find(({ name }) => name === line.cluster).members;
    this.metrics = index.charted.map(() => {
      const [p50, max, member] = [0, 1, 2].map(() => numbers.column(line.length));
      return { p50, max, member };
    });
  }

  // Median and maximum of a column in a cell, and the member with the maximum if it costs points, or if it is evidence.
  at(metric, i) {
    const columns = this.metrics[metric];
    if (columns.max[i] === 0) return null;
    const member = columns.member[i];
    const value = (code) => (["", "flag"].includes(index.charted[metric].unit) ? code - 1 : decoded(code));
    return { p50: value(columns.p50[i]), max: value(columns.max[i]), member: member ? this.members[member - 1] : null };
  }
}

// 900 codes a decade, from 100 × 10^-9. Division keeps 0.01 exact where a product would not.
function decoded(code) {
  if (code < 2) return 0;
  const power = Math.floor((code - 2) / 900) - 9;
  const mantissa = ((code - 2) % 900) + 100;
  return power < 0 ? mantissa / 10 ** -power : mantissa * 10 ** power;
}

const digits = (value, count) => String(Number(value.toPrecision(count)));

function bytesText(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < 4; unit++) value /= 1024;
  return `${value >= 1000 ? Math.round(value) : digits(value, 3)} ${units[unit]}`;
}

function readingText(metric, value) {
  switch (metric.unit) {
    case "s": return value >= 1 ? `${digits(value, 3)} s` : `${digits(value * 1000, 3)} ms`;
    case "B": return bytesText(value);
    case "B/s": return `${bytesText(value)}/s`;
    case "/s": return `${digits(value, 3)}/s`;
    case "share": return `${digits(value * 100, 3)} %`;
    case "flag": return value > 0 ? "yes" : "no";
    default: return String(value);
  }
}

// The thresholds of a metric in words: `10 ms`, `25 ms, 40 ms`.
function thresholdText(metric) {
  return metric.thresholds.map((value) => readingText(metric, value)).join(", ") || metric.ofLimit || "";
}

// Cells whose readings are drawn as one are joined: the highest maximum, and the median of the medians.
function joined(readings) {
  const medians = readings.map((one) => one.p50).sort((a, b) => a - b);
  return { p50: medians[medians.length >> 1], max: Math.max(...readings.map((one) => one.max)) };
}
