/** The look of the report page. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --back: #f7f7f5; --panel: #ffffff; --line: #dedcd6; --text: #22211e; --dim: #6e6b63;
  --write: #3f8f63; --lead: #2f6fb3; --follow: #b9d2ea; --off: #d9673c; --silent: #c9c6be;
  --cut: #c0392b; --heal: #3f8f63; --change: #2f6fb3; --down: #c0392b1c; --good: #2f7d52; --bad: #b83227;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #17181a; --panel: #1f2123; --line: #383b3e; --text: #e6e4df; --dim: #a09d95;
    --write: #63b887; --lead: #5d9fe0; --follow: #2b4560; --off: #e07b50; --silent: #55534e;
    --cut: #f0665a; --heal: #63b887; --change: #5d9fe0; --down: #f0665a26; --good: #6cc592; --bad: #f0766b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 20px 20px 0; }
footer { padding-bottom: 28px; color: var(--dim); font-size: 13px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 17px; margin: 0 0 10px; }
h3 { font-size: 14px; margin: 0 0 4px; }
p { margin: 0 0 10px; max-width: 78ch; }
.dim { color: var(--dim); }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin-bottom: 16px; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 0 0 16px; }
.card { flex: 1 1 210px; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
.card b { display: block; font-size: 26px; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.card.good b { color: var(--good); } .card.bad b { color: var(--bad); }
.card span { color: var(--dim); font-size: 13px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; font-size: 13px; color: var(--dim); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
tr.measured td { font-weight: 600; }
td.source { color: var(--dim); font-size: 13px; font-weight: 400; }
svg { display: block; width: 100%; height: auto; min-width: 640px; }
svg text { font: 11px system-ui, sans-serif; fill: var(--dim); }
svg .mark { font-weight: 600; }
svg .axis { stroke: var(--line); }
svg .writes { fill: var(--write); }
svg .down { fill: var(--down); }
svg .cut { stroke: var(--cut); } svg text.cut { fill: var(--cut); stroke: none; }
svg .heal { stroke: var(--heal); } svg text.heal { fill: var(--heal); stroke: none; }
svg .change { stroke: var(--change); } svg text.change { fill: var(--change); stroke: none; }
svg line.cut, svg line.heal, svg line.change { stroke-width: 1.5; stroke-dasharray: 4 3; }
svg .leading { fill: var(--lead); } svg .following { fill: var(--follow); }
svg .cutOff { fill: var(--off); } svg .silent { fill: var(--silent); }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 8px 0 0; color: var(--dim); font-size: 13px; }
.key i { width: 14px; height: 10px; border-radius: 2px; display: inline-block; margin-right: 6px; }
.key .leading { background: var(--lead); } .key .following { background: var(--follow); }
.key .cutOff { background: var(--off); } .key .silent { background: var(--silent); }
.key .writes { background: var(--write); } .key .down { background: var(--down); outline: 1px solid var(--cut); }
details { margin-top: 6px; }
summary { cursor: pointer; padding: 4px 0; }
`;
