import { html, type Html } from "./html.ts";

/** A cell: what it says, and whether it stands out. */
export type Cell = {
  readonly says: string | Html;
  readonly kind?: "best" | "over" | "words";
  /** A bar beneath it, 0..1 of the cell's width. */
  readonly bar?: number;
};

export type Column = { readonly title: string; readonly group?: string };

export type Row = {
  readonly name: string | Html;
  readonly cells: readonly (Cell | string)[];
  readonly isOurs?: boolean;
};

/** A table that scrolls inside itself; `label` tells readers of the screen which. */
export function table(
  label: string,
  corner: string,
  columns: readonly Column[],
  rows: readonly Row[],
): Html {
  const groups = groupsOf(columns);
  const isFirst = columns.map(
    ({ group }, at) => group !== undefined && group !== columns[at - 1]?.group,
  );
  const titles = columns.map(({ title }, at) => {
    const hasWords = rows.some(({ cells }) => isWords(cells[at]));
    return html`<th scope="col" ${classed(isFirst[at] && "first", hasWords && "words")}>
      ${title}
    </th>`;
  });
  const head = groups
    ? html`<tr>
          <th scope="col" rowspan="2">${corner}</th>
          ${groups}
        </tr>
        <tr>
          ${titles}
        </tr>`
    : html`<tr>
        <th scope="col">${corner}</th>
        ${titles}
      </tr>`;
  const body = rows.map(
    ({ name, cells, isOurs }) =>
      html`<tr${isOurs && html` class="ours"`}><th scope="row">${name}</th>${cells.map((cell, at) =>
        drawn(cell, isFirst[at]),
      )}</tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
    <table>
      <thead>
        ${head}
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

function groupsOf(columns: readonly Column[]): Html[] | undefined {
  if (columns.every(({ group }) => group === undefined)) return undefined;
  const spans: { title: string; width: number }[] = [];
  for (const [at, { group = "" }] of columns.entries()) {
    const last = spans.at(-1);
    if (last && columns[at - 1]?.group === group) last.width++;
    else spans.push({ title: group, width: 1 });
  }
  return spans.map(
    ({ title, width }) => html`<th scope="colgroup" colspan="${width}">${title}</th>`,
  );
}

function drawn(cell: Cell | string, isFirst: boolean | undefined): Html {
  const { says, kind, bar } = typeof cell === "string" ? ({ says: cell } as Cell) : cell;
  const width = bar === undefined ? undefined : (Math.max(0, Math.min(1, bar)) * 100).toFixed(1);
  return html`<td${classed(kind, isFirst && "first")}>${says}${width !== undefined && html`<span class="bar" style="width:${width}%"></span>`}</td>`;
}

function classed(...classes: readonly (string | false | undefined)[]): Html | false {
  const kept = classes.filter((one) => typeof one === "string");
  return kept.length > 0 && html` class="${kept.join(" ")}"`;
}

function isWords(cell: Cell | string | undefined): boolean {
  return typeof cell === "object" && cell.kind === "words";
}
