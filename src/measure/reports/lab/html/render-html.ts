/** Results as one page that needs nothing else: no script, no font, no picture from elsewhere. */
import { NAMED_SCENARIOS } from "../../../../client/scenarios/index.ts";
import type { RunResult } from "../../../faults/experiment.ts";
import { publishedFor } from "../published.ts";
import { formatMs } from "../../format.ts";
import { TABLE_HEAD, tableRows, type Lab, type Measured, type TableRow } from "../report.ts";
import { AFTER_HEAL_WITHIN, RESUME_WITHIN } from "../summary.ts";
import { escapeHtml } from "./escape.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { STANDINGS, timelineSvg } from "./timeline-svg.ts";

/** @param facts on where and how it was measured, for the end of the page */
export function renderLabHtml(lab: Lab, facts: readonly string[]): string {
  const [first] = lab.measured;
  const nodes = first === undefined ? "" : ` with ${first.nodes} nodes`;
  const heading = `${lab.scenario}${nodes}: for how long no write goes on`;
  const note = publishedFor(lab.scenario).note;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(heading)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(heading)}</h1>
<p class="dim">Under load, links are broken, held and healed: ${escapeHtml(NAMED_SCENARIOS[lab.scenario])}.</p>
</header>
<main>
${lab.measured.map(cards).join("\n")}
<section>
<h2>Beside what the paper&#39;s authors published</h2>
<div class="wide">${table(tableRows(lab), lab.measured.length)}</div>
<p class="dim">${escapeHtml(note)} PV+CQ: pre-vote and check-quorum. Their servers and their client ran on machines of their own.</p>
${lab.left.map((text) => `<p class="dim">${escapeHtml(text)}</p>`).join("\n")}
</section>
${lab.measured.map(runsOf).join("\n")}
</main>
<footer>${facts.map((fact) => escapeHtml(fact)).join("<br>")}</footer>
</body>
</html>
`;
}

function cards({ system, electionTimeoutMs, summary }: Measured): string {
  const { runs, resumed, resumedInTime, quietAfterHeal, rightLeader, down } = summary;
  const most = (down.max / electionTimeoutMs).toFixed(2);
  const length = `election time-outs of ${formatMs(electionTimeoutMs)} without a write${runs === 1 ? "" : ", at most"}`;
  const foot = resumed < runs ? `${length}: until healing in ${runs - resumed} of ${runs}` : length;
  return `<div class="cards">
${card(system, most, foot, resumedInTime === runs)}
${card("goes on", `${resumedInTime} of ${runs}`, `within ${RESUME_WITHIN} election time-outs of the cut`, resumedInTime === runs)}
${card("after healing", `${quietAfterHeal} of ${runs}`, `without an interruption longer than ${AFTER_HEAL_WITHIN}`, quietAfterHeal === runs)}
${card("leader", `${rightLeader} of ${runs}`, "a node that can lead led in the end", rightLeader === runs)}
</div>`;
}

function card(head: string, value: string, foot: string, isGood: boolean): string {
  return `<div class="card ${isGood ? "good" : "bad"}"><span>${escapeHtml(head)}</span><b>${escapeHtml(value)}</b><span>${escapeHtml(foot)}</span></div>`;
}

function table(rows: readonly TableRow[], measured: number): string {
  const cells = (row: TableRow, tag: "th" | "td"): string =>
    [row.system, row.setting, row.down, row.electionTimeouts]
      .map((content) => `<${tag}>${escapeHtml(content)}</${tag}>`)
      .join("") + `<${tag} class="source">${escapeHtml(row.source)}</${tag}>`;
  const body = rows.map(
    (row, i) => `<tr${i < measured ? ' class="measured"' : ""}>${cells(row, "td")}</tr>`,
  );
  return `<table><thead><tr>${cells(TABLE_HEAD, "th")}</tr></thead><tbody>${body.join("\n")}</tbody></table>`;
}

/** The run with the longest down-time is open, the others are folded. */
function runsOf(measured: Measured): string {
  const { system, runs } = measured;
  const worst = runs.reduce((a, b, i) => (b.down.ms > (runs[a]?.down.ms ?? 0) ? i : a), 0);
  const others = runs.map((run, i) => ({ run, i })).filter(({ i }) => i !== worst);
  const shown = runs[worst];
  if (shown === undefined) return "";
  const heading = runs.length === 1 ? "the run" : `run ${worst + 1}, the longest of ${runs.length}`;
  const folded = others.map(
    ({ run, i }) =>
      `<details><summary>Run ${i + 1}: ${escapeHtml(sentence(run, measured))}</summary>${picture(run, measured)}</details>`,
  );
  return `<section>
<h2>${escapeHtml(system)}, ${heading}</h2>
<p>${escapeHtml(capitalized(sentence(shown, measured)))}</p>
${picture(shown, measured)}
${key(measured)}
${folded.join("\n")}
</section>`;
}

function sentence(run: RunResult, { electionTimeoutMs }: Measured): string {
  const { leaderBefore, leaderAfter, summary, down, afterHeal } = run;
  const stopped = down.open
    ? `no write from then until healing (${formatMs(down.ms)})`
    : `no write for ${formatMs(down.ms)} (${(down.ms / electionTimeoutMs).toFixed(2)} time-outs)`;
  const after =
    leaderAfter === leaderBefore
      ? `node ${leaderBefore} leads on`
      : leaderAfter === null
        ? "nobody leads"
        : `node ${leaderAfter} leads then`;
  return `node ${leaderBefore} led; cut: ${summary}; ${stopped}; ${after}; longest interruption after healing ${formatMs(afterHeal.ms)}.`;
}

function picture(run: RunResult, { nodes, electionTimeoutMs }: Measured): string {
  const options = {
    nodes: Array.from({ length: nodes }, (_, i) => i + 1),
    electionTimeoutMs,
    downFromMs: run.down.fromMs,
    downMs: run.down.ms,
  };
  return `<div class="wide">${timelineSvg(run.timeline, options)}</div>`;
}

function key({ runs, electionTimeoutMs }: Measured): string {
  const slotMs = runs[0]?.timeline.slotMs ?? 0;
  const standings = Object.entries(STANDINGS).map(([name, text]) => item(name, text));
  return `<div class="key">${item("writes", `acknowledged writes, in slots of ${formatMs(slotMs)}`)}${item("down", "longest time without one")}${standings.join("")}<span>time from the cut, in election time-outs of ${formatMs(electionTimeoutMs)}</span></div>`;
}

function item(name: string, text: string): string {
  return `<span><i class="${name}"></i>${escapeHtml(text)}</span>`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
