import type { Surroundings } from "./checks.ts";
import type { Problem } from "./problem.ts";
import type { Mesh } from "./schema.ts";

type Engine = Mesh["pools"][string]["engines"][number];
type Listed = { readonly engine: Engine; readonly path: string; readonly pool: string };

/** Engines that cannot be told apart, or whose URL says what it must not. */
export function* engineProblems({ pools, dialects }: Surroundings): Generator<Problem> {
  const owners = new Map<string, Listed>();
  for (const [pool, { engines, dialect }] of pools) {
    yield* ids(engines, `pools.${pool}`);
    for (const [n, engine] of engines.entries()) {
      const path = `pools.${pool}.engines.${n}.url`;
      yield* credentials(engine, path);
      yield* query(engine, path);
      yield* scheme(engine, path, dialects.get(dialect)?.scheme);
      const key = addressOf(engine);
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, { engine, path, pool });
      else if (!isHostedTwice(pools, pool, owner.pool)) yield sameUrl(path, owner.path);
    }
  }
}

function* ids(engines: readonly Engine[], path: string): Generator<Problem> {
  const seen = new Set<string>();
  for (const [n, { id }] of engines.entries()) {
    if (seen.has(id)) {
      yield {
        path: `${path}.engines.${n}.id`,
        problem: `another engine of this pool has the id \`${id}\``,
        fix: "give every engine of a pool an id of its own",
      };
    }
    seen.add(id);
  }
}

/** Never repeats what stands in the URL. */
function* credentials({ url }: Engine, path: string): Generator<Problem> {
  const { username, password } = new URL(url);
  if (username === "" && password === "") return;
  yield {
    path,
    problem: "the URL has a user name or password in it",
    fix: "take it out, name the secret that holds the key in `apiKeySecret`, and change a password that stood here",
  };
}

function* query({ url }: Engine, path: string): Generator<Problem> {
  const { search, hash } = new URL(url);
  if (search === "" && hash === "") return;
  yield {
    path,
    problem: "the URL does not end with its path: it has a `?` or `#`",
    fix: "write the base URL alone: paths such as `/v1/chat/completions` are put behind it",
  };
}

function* scheme({ url }: Engine, path: string, wanted: string | undefined): Generator<Problem> {
  const own = new URL(url).protocol.slice(0, -1);
  if (wanted === own || (wanted === undefined && own.startsWith("http"))) return;
  yield wanted === undefined
    ? {
        path,
        problem: `only engines of the dialect \`${own}\` have such a URL`,
        fix: `write an http or https URL, or give the pool the dialect \`${own}\``,
      }
    : {
        path,
        problem: `it does not begin with \`${wanted}://\``,
        fix: `write \`${wanted}://\` and the model's name, such as \`workers-ai://@cf/meta/llama-3.3-70b-instruct-fp8-fast\``,
      };
}

function sameUrl(path: string, other: string): Problem {
  return {
    path,
    problem: `\`${other}\` is the same URL`,
    fix: "give this engine its own URL, or remove it: one engine listed twice would be given its work twice",
  };
}

/** A hosted fleet serves several models under one URL. */
function isHostedTwice(pools: Surroundings["pools"], one: string, other: string): boolean {
  const [a, b] = [pools.get(one), pools.get(other)];
  return a?.routed === "itself" && b?.routed === "itself" && a.model !== b.model;
}

/** The URL as `fetch` reads it, without what differs between spellings of one address. */
function addressOf({ url }: Engine): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`.replace(/\/+$/, "");
}
