/** Splits `/<pool>/<number>/rest` into the engine's name and the path below it. */
export function parsePath(pathname: string): EnginePath | undefined {
  const match = /^\/([^/]+)\/([^/]+)(\/.*)?$/.exec(pathname);
  const [, pool, number, below] = match ?? [];
  if (pool === undefined || number === undefined) return undefined;
  return { engine: `${pool}/${number}`, pool, below: below ?? "/" };
}

export type EnginePath = { readonly engine: string; readonly pool: string; readonly below: string };
