// A problem as the skeleton of a post-mortem in Markdown.

const STRETCHES = 20;

async function copyText(text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission for the clipboard, a selected field can still be copied.
    const field = element("textarea", { value: text, className: "unseen" });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  say(done, 4);
}

// Foreign text as Markdown shows it, not as markup.
const plainly = (text) => text.replace(/[\\`*_{}[\]<>#|]/g, "\\$&");

async function copyProblem(card) {
  await copyText(await markdownOf(card), `Problem ${card.dataset.rank} copied as Markdown`);
}

async function markdownOf(card) {
  const part = (selector) => plainly(card.querySelector(selector)?.textContent.trim() ?? "");
  const number = index.clusters.findIndex(({ name }) => name === card.dataset.name);
  const lines = number < 0 ? null : await load(number);
  const spans = lines ? lines.facts.problems.get(Number(card.dataset.rank)).spans : [];
  const at = (second) => {
    const line = lines[0];
    const place = line.after(second) - 1;
    return clockAt(second, line.offset[Math.max(0, place)]);
  };
  const listed = spans.slice(0, STRETCHES).map(([start, end]) => `- ${at(start)} to ${at(end)}: ${part(".title").toLowerCase()}`);
  if (spans.length > STRETCHES) listed.push(`- … and ${spans.length - STRETCHES} more`);
  const evidence = [part(".reading"), part(".noted"), `problem ${plainly(card.dataset.id)} in problems.csv`].filter((text) => text);
  return `# ${plainly(card.dataset.name)}: ${part(".title")}

## Impact

${part(".impact")}

## Timeline

${part(".when")}

${listed.join("\n")}

## Cause

${part(".title")}. _To be confirmed._

## Evidence

${evidence.map((text) => `- ${text}`).join("\n")}

\`\`\`sh
${card.querySelector(".command").textContent}
\`\`\`

## Actions

- [ ] ${part(".next")}
`;
}
