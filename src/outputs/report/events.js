// The findings of a cluster, listed when a reader unfolds them.

async function listEvents(details) {
  if (details.dataset.filled || details.dataset.number === undefined) return;
  details.dataset.filled = "true";
  const number = Number(details.dataset.number);
  const { findings } = await factsOf(number);
  const order = (finding) => [finding[0], finding[3]];
  const sorted = [...findings].sort((a, b) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
  const body = element("tbody", {}, ...sorted.map((finding) => eventRow(number, finding)));
  const heads = ["Kind", "From", "To", "Members", "Finding"].map((text) => element("th", { scope: "col", textContent: text }));
  const table = element("table", { className: "findings" }, element("thead", {}, element("tr", {}, ...heads)), body);
  details.append(scrolling(table, "Findings of the cluster"));
}

function eventRow(number, [kind, from, to, start, members, says, rule, evidence]) {
  const show = element("button", { type: "button", textContent: from });
  Object.assign(show.dataset, { cluster: number, start });
  show.setAttribute("aria-label", `Show ${from} in the heat map`);
  const why = element("details", {}, element("summary", { textContent: "Evidence and rule" }));
  why.addEventListener("toggle", () => {
    if (why.childElementCount === 1) why.append(facts([...evidence, ["rule", index.rules[rule]]]));
  });
  const cells = [index.kinds[kind], show, to, label(members.join(", ")), element("div", {}, label(says), why)];
  return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
}

for (const details of document.querySelectorAll("details.events")) {
  details.addEventListener("toggle", () => details.open && listEvents(details));
}
