/** The page's style sheet: one column, light and dark. */
export const DOCS_STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f4f6f8; --line: #d5dbe1; --text: #1b2128; --quiet: #4d5865;
  --accent: #0a58a8; --get: #0a58a8; --post: #12683a; --delete: #a3261d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161b; --raised: #1b2129; --line: #343d48; --text: #e7ebf0; --quiet: #a9b4c0;
    --accent: #79b8ff; --get: #79b8ff; --post: #7ed6a0; --delete: #ff9d94;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
header, main { max-width: 60rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; }
main { padding-bottom: 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: .95rem; margin: 1rem 0 .25rem; color: var(--quiet); }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
a { color: var(--accent); }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
summary { cursor: pointer; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
section > details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; }
section > details > summary { padding: .5rem .75rem; border-radius: .4rem; }
section > details[open] > summary { background: var(--raised); }
.inside { padding: 0 .9rem .75rem; border-top: 1px solid var(--line); }
.method { display: inline-block; min-width: 4.2rem; font-size: .8rem; font-weight: 700; letter-spacing: .03em; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
.says { display: block; color: var(--quiet); font-size: .92rem; padding-left: 1.1rem; }
ul { margin: .25rem 0; padding-left: 1.1rem; }
li { margin: .2rem 0; }
ul ul { border-left: 1px solid var(--line); list-style: none; padding-left: .8rem; }
.members { list-style: none; padding-left: .2rem; }
.members .members { padding-left: .9rem; }
.type, .headers { color: var(--quiet); font-size: .88rem; }
.must { font-size: .8rem; font-weight: 600; }
.kind { display: block; margin-top: .4rem; font-size: .85rem; font-weight: 600; }
`;
