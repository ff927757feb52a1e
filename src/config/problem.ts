/** One mistake in `mesh.json`: where it is (dotted path), what is wrong and what to do. */
export type Problem = { readonly path: string; readonly problem: string; readonly fix: string };

/** The names a reader may choose from, for a fix. */
export function listed(names: Iterable<string>): string {
  const quoted = [...names].map((name) => `\`${name}\``);
  return quoted.length === 0 ? "(none is defined yet)" : quoted.join(", ");
}
