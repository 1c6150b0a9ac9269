"""How a report looks, light and dark. Text stands out from its background by 4.5 to 1 at least (WCAG AA)."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --line: #dfe3e8; --text: #17202b; --soft: #54606e; --link: #0b5cad;
  --good: #18794e; --bad: #c0361f; --warn: #8a5a00; --calm: #54606e;
  --good-bg: #e2f3ea; --bad-bg: #fbe7e3; --warn-bg: #fdf0d5; --calm-bg: #e9edf1;
  --inserted: #2a78c2; --updated: #45a5a0; --unchanged: #a9bdd0; --duplicate: #cbb24a; --filtered: #a78bc9;
  --rejected: #d5533a; --seconds: #6d83a1; --bar: #7ba3cc; }
@media (prefers-color-scheme: dark) { :root {
  --page: #11161d; --card: #1a212b; --line: #303a47; --text: #e8edf3; --soft: #a3b0bf; --link: #7db8f5;
  --good: #6fd1a0; --bad: #ff9a86; --warn: #f0c063; --calm: #b4c0cd;
  --good-bg: #173528; --bad-bg: #45211b; --warn-bg: #3b2f14; --calm-bg: #2a333f;
  --inserted: #5a9fe0; --updated: #56b8b2; --unchanged: #5c7086; --duplicate: #d6bf5e; --filtered: #b29bd6;
  --rejected: #f07a62; --seconds: #8da3c0; --bar: #6f9bc9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 32px 20px 48px; }
header { margin-bottom: 20px; }
h1 { font-size: 26px; line-height: 1.25; margin: 2px 0 4px; overflow-wrap: anywhere; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 0 0 4px; }
h3 { font-size: 14px; margin: 0; font-weight: 600; }
p { margin: 0 0 8px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px;
  margin-bottom: 16px; }
.over { color: var(--soft); font-size: 13px; margin: 0; }
.path { color: var(--soft); overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: 13px; margin-bottom: 12px; }
.pill { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: 13px; font-weight: 600; }
.good { color: var(--good); background: var(--good-bg); } .bad { color: var(--bad); background: var(--bad-bg); }
.warn { color: var(--warn); background: var(--warn-bg); } .calm { color: var(--calm); background: var(--calm-bg); }
.verdict { font-size: 17px; margin: 8px 0 14px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 14px; margin: 0 0 14px; }
.tiles div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tiles dt { color: var(--soft); font-size: 13px; } .tiles dd { margin: 0; font-size: 22px; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 8px 0 0; list-style: none;
  font-size: 13px; }
.legend svg { margin-right: 6px; vertical-align: -1px; }
figure { margin: 12px 0 0; } figcaption { font-size: 13px; font-weight: 600; margin-bottom: 6px; }
svg { display: block; } .legend svg, td svg { display: inline-block; }
.chart { width: 100%; height: auto; overflow: visible; }
.chart text { fill: var(--soft); font-size: 11px; font-family: inherit; }
.grid { stroke: var(--line); stroke-width: 1; }
.marked { fill: var(--text); }
.inserted { fill: var(--inserted); } .updated { fill: var(--updated); } .unchanged { fill: var(--unchanged); }
.duplicate { fill: var(--duplicate); } .filtered { fill: var(--filtered); } .rejected { fill: var(--rejected); }
.seconds { fill: var(--seconds); } .bar { fill: var(--bar); }
.clean { fill: var(--inserted); } .some { fill: var(--duplicate); } .none { fill: var(--rejected); }
.idle { fill: var(--unchanged); }
.group { border-top: 1px solid var(--line); padding: 12px 0 4px; }
.group h3 { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; }
.group h3 .times { margin-left: auto; color: var(--soft); font-weight: 400; font-size: 13px; }
.group p { color: var(--soft); font-size: 13px; margin: 2px 0 6px; }
.examples { margin: 0; padding: 0; list-style: none; }
.examples li { padding: 5px 0 5px 12px; border-left: 3px solid var(--line); margin-bottom: 6px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 13px; }
pre { margin: 4px 0 0; padding: 8px 10px; background: var(--page); border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 420px; overflow-y: auto; }
.wide { overflow-x: auto; } .wide:focus-visible, summary:focus-visible, a:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  font-weight: 400; }
thead th { color: var(--soft); white-space: nowrap; } tbody th { font-weight: 600; }
tr:last-child > * { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.once { white-space: nowrap; } .cut { overflow-wrap: anywhere; min-width: 140px; }
td svg { margin-top: 4px; } td code { font-size: 12px; } td .pill { font-size: 12px; }
.soft { color: var(--soft); }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0 0 12px; font-size: 13px; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--link); font-size: 13px; width: fit-content; }
a { color: var(--link); }
footer { color: var(--soft); font-size: 13px; }
@media (max-width: 560px) { main { padding: 20px 12px; } dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: 8px; } }
@media print { body { background: none; } section { break-inside: avoid; } }
"""
