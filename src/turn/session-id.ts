import type { TurnDeps } from "./deps.ts";

/** The public id of a session object, and of a branch of it that forked off. */
export async function formatSessionId(
  deps: Pick<TurnDeps, "ids">,
  name: string,
  branch: number,
): Promise<string> {
  const id = await deps.ids.mint("ses", name);
  return branch === 0 ? id : `${id}.${branch}`;
}
