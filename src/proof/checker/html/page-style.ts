/** The look of the report page. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --back: #fbfbfa; --panel: #ffffff; --line: #dddbd6; --text: #23221f; --dim: #77746c;
  --read: #4a7fb5; --write: #4d9a6a; --cas: #9a6fb0; --delete: #a8783c; --bad: #cc3b2f; --core: #e3a21a; --label: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #191a1c; --panel: #222426; --line: #3a3d40; --text: #e4e2dd; --dim: #98958d;
    --read: #6fa3d8; --write: #6dbb8b; --cas: #bb92d0; --delete: #cc9c5e; --bad: #f0665a; --core: #f0bb45; --label: #141618;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
header, main { max-width: 1500px; margin: 0 auto; padding: 16px 24px; }
header { padding-bottom: 0; }
h1 { font-size: 20px; margin: 0 0 4px; }
h2 { font-size: 15px; margin: 0 0 8px; }
.dim { color: var(--dim); }
.verdict { display: inline-block; padding: 1px 10px; border-radius: 10px; color: #fff; font-weight: 600; }
.verdict.ok { background: #3d8657; } .verdict.violation { background: #c03a2e; } .verdict.unknown { background: #8a7a3a; }
nav { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-bottom: 12px; }
select, input, button {
  font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 4px 8px;
}
input[type=search] { width: 260px; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; margin-bottom: 12px; }
pre { margin: 0; white-space: pre-wrap; font: 13px/1.5 ui-monospace, monospace; }
#chart { overflow: auto; max-height: 62vh; position: relative; }
#chart svg { display: block; }
#chart text { font: 12px ui-monospace, monospace; fill: var(--text); pointer-events: none; }
#chart .lane { stroke: var(--line); }
#chart .bar { rx: 3; stroke: transparent; stroke-width: 2; cursor: default; }
#chart .read { fill: var(--read); } #chart .write, #chart .append { fill: var(--write); }
#chart .cas { fill: var(--cas); } #chart .delete { fill: var(--delete); }
#chart .unplaced { fill-opacity: .5; }
#chart .core { stroke: var(--core); } #chart .blocked { stroke: var(--bad); stroke-width: 3; }
#chart .missed { opacity: .12; }
#chart text.label { fill: var(--label); } #chart text.name { fill: var(--dim); }
.key { display: inline-flex; align-items: center; gap: 5px; margin-right: 14px; color: var(--dim); }
.key i { width: 14px; height: 10px; border-radius: 2px; display: inline-block; border: 2px solid transparent; }
#tip {
  position: fixed; display: none; max-width: 520px; pointer-events: none; z-index: 2; padding: 8px 10px; border-radius: 6px;
  background: var(--text); color: var(--back); font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
}
ol { margin: 0; padding-left: 44px; max-height: 320px; overflow: auto; font: 13px/1.6 ui-monospace, monospace; overflow-wrap: anywhere; }
li.stop { color: var(--bad); font-weight: 600; list-style: none; }
li[data-at] { cursor: pointer; }
`;
