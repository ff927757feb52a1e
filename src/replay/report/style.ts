/** The report's style sheet: one column that gives way, tables that scroll inside themselves, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f4f6f8; --line: #d5dbe1; --text: #1b2128; --quiet: #4d5865;
  --accent: #0a58a8; --other: #6d7885; --good: #12683a; --bar: #b9cfe6; --flag: #7a4b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161b; --raised: #1b2129; --line: #343d48; --text: #e7ebf0; --quiet: #a9b4c0;
    --accent: #79b8ff; --other: #8f9baa; --good: #7ed6a0; --bar: #2c4866; --flag: #f0c27a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main, header, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; }
footer { padding-bottom: 2.5rem; border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .5rem; padding-top: .75rem; border-top: 2px solid var(--line); overflow-wrap: anywhere; }
h3 { font-size: 1.02rem; margin: 1.75rem 0 .4rem; overflow-wrap: anywhere; }
p { margin: .4rem 0 .8rem; max-width: 46rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .9rem; }
.simulated {
  display: inline-block; border: 1px solid var(--flag); color: var(--flag); border-radius: .3rem;
  padding: 0 .4rem; font-size: .8rem; font-weight: 600; letter-spacing: .02em;
}
a { color: var(--accent); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; margin: .75rem 0 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0; padding: 0; }
.facts div { background: var(--raised); border-radius: .4rem; padding: .55rem .75rem; }
.facts dt { color: var(--quiet); font-size: .82rem; line-height: 1.3; }
.facts dd { margin: .1rem 0 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0 1rem; width: fit-content; max-width: 100%; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .32rem .65rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--raised); color: var(--quiet); font-weight: 600; vertical-align: bottom; }
th[scope=row], thead tr:first-child th:first-child, td.words, th.words { text-align: left; }
th[scope=row] { font-weight: 500; }
thead tr:first-child th:first-child, th[scope=row] { position: sticky; left: 0; background: var(--page); box-shadow: 1px 0 0 var(--line); }
thead tr:first-child th:first-child { background: var(--raised); }
th[scope=colgroup] { text-align: center; border-left: 1px solid var(--line); }
td.first, th.first { border-left: 1px solid var(--line); }
tr.ours > th[scope=row] { color: var(--accent); font-weight: 700; }
td.best { color: var(--good); font-weight: 700; }
td.over { color: var(--quiet); }
td small, th small { color: var(--quiet); font-weight: 400; }
td .bar { display: block; height: .4rem; border-radius: .2rem; background: var(--accent); min-width: 1px; margin-top: .15rem; }
figure { margin: .75rem 0 1rem; }
.panels figure { margin: .2rem 0 .6rem; }
h4 { font-size: .95rem; margin: 1rem 0 0; }
figcaption { font-size: .88rem; color: var(--quiet); margin-bottom: .2rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: .25rem 1.25rem; }
svg { display: block; width: 100%; height: auto; max-width: 30rem; overflow: visible; }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--quiet); }
svg .axis { stroke: var(--line); stroke-width: 1; }
svg .curve { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; }
svg .curve.other { stroke: var(--other); }
svg .column { fill: var(--accent); }
svg .range { stroke: var(--bar); stroke-width: 8; }
svg .range.other { stroke: var(--line); }
svg .dot { fill: var(--accent); }
svg .dot.other { fill: var(--other); }
svg .mark { stroke: var(--text); stroke-width: 2; }
.strips { max-width: 34rem; }
.strips svg { max-width: none; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--accent); }
pre { background: var(--raised); border-radius: .4rem; padding: .75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; }
@media (max-width: 30rem) {
  th[scope=row], thead tr:first-child th:first-child { white-space: normal; max-width: 9rem; }
}
@media print { .scroll { overflow: visible; } }
`;
