// Filters problems, clusters and events, and sorts the table of clusters.

const filterForm = document.getElementById("filter");

function filter() {
  const { cluster, cause, text } = Object.fromEntries(new FormData(filterForm));
  const words = text.toLowerCase().split(/\s+/).filter((word) => word);
  const isFiltered = Boolean(cluster || cause || words.length);
  const hasWords = (one) => words.every((word) => one.toLowerCase().includes(word));
  const concerned = new Set();
  let matching = 0;
  const problems = [...document.querySelectorAll(".problem")];
  for (const card of problems) {
    const fits = (!cluster || card.dataset.name === cluster) && (!cause || card.dataset.cause === cause) && hasWords(card.textContent);
    card.hidden = !fits;
    matching += fits;
    if (fits) concerned.add(card.dataset.name);
  }
  const folded = document.getElementById("more-problems");
  if (folded) folded.open = isFiltered && folded.querySelector(".problem:not([hidden])") !== null;
  // A cluster stays if it is named, or if one of its problems fits.
  for (const one of document.querySelectorAll("#cluster-table tbody tr, details.cluster, details.events")) {
    const { name } = one.dataset;
    one.hidden = (cluster && name !== cluster) || (isFiltered && !concerned.has(name) && (Boolean(cause) || !hasWords(name)));
  }
  document.getElementById("filtered").textContent = isFiltered ? `${matching} of ${counted(problems.length, "problem")}` : "";
}

filterForm.addEventListener("input", filter);
filterForm.addEventListener("reset", () => setTimeout(filter));

// Turns the headings of a table into buttons that sort its rows: the worst first, names by the alphabet; again, the other way.
function sortable(table) {
  const rows = [...table.tBodies[0].rows];
  for (const head of table.querySelectorAll("th[data-sort]")) {
    const key = head.dataset.sort;
    const button = element("button", { type: "button", textContent: head.textContent });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const rising = before ? before === "descending" : key === "name" || key === "mean";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const value = (row) => (key === "name" ? row.dataset.name : Number(row.dataset[key]));
      const compare = (a, b) => (key === "name" ? value(a).localeCompare(value(b)) : value(a) - value(b));
      rows.sort((a, b) => (rising ? compare(a, b) : compare(b, a)) || a.dataset.place - b.dataset.place);
      table.tBodies[0].append(...rows);
    });
  }
}
