/** Splits `/<pool>/<number>/rest` into the engine's name and the path below it. */
export function parsePath(pathname: string): EnginePath | undefined {
  const match = /^\/([^/]+)\/([^/]+)(\/.*)?$/.exec(pathname);
  const [, pool, number, below] = match ?? [];
  if (pool === undefined || number === undefined) return undefined;
  return { engine: `${pool}/${number}`, pool, below: below ?? "/" };
}

/** How hosts end at which emulated engines are met by other engines: `bootstrapHost` in their mesh. */
export const EMULATED_HOSTS = ".emulated";

export type EnginePath = { readonly engine: string; readonly pool: string; readonly below: string };
