import { rawMemberOf, spliceText } from "../../core/json-members.ts";
import type { EngineAddress } from "../dialect.ts";

/** What of a request and of its answer is about states of KV cache. */
export const PARAMS = "kv_transfer_params";

/** What of it an answer tells beside a handle. */
export const FETCHED = "fetched";

/**
 * The member that asks an engine to leave the state that it has then, and to bring another first: `leave` is raw JSON,
 * `fetch` what an answer said, of which the handle is sent as it came, and `pull` who may have the prompt cached, for
 * want of a handle. Nothing where none of it is asked.
 */
export function paramsFor({ leave, fetch, pull }: Asked): Readonly<Record<string, string>> {
  const handle = fetch !== undefined && isHandle(fetch) ? withoutTold(fetch) : undefined;
  const asked = [
    ...(leave === undefined ? [] : [`"leave":${leave}`]),
    ...(handle === undefined ? [] : [`"fetch":${handle}`]),
    ...(pull === undefined || handle !== undefined
      ? []
      : [`"pull":{"from":${JSON.stringify(pull.url)}}`]),
  ];
  return asked.length === 0 ? {} : { [PARAMS]: `{${asked.join(",")}}` };
}

type Asked = {
  readonly leave: string | undefined;
  readonly fetch: string | undefined;
  readonly pull: EngineAddress | undefined;
};

/** An engine without room leaves nothing, and may still tell what it fetched. */
function isHandle(params: string): boolean {
  return params.startsWith("{") && rawMemberOf(params, "handle") !== undefined;
}

function withoutTold(params: string): string {
  return rawMemberOf(params, FETCHED) === undefined
    ? params
    : spliceText(params, { set: {}, remove: [FETCHED] });
}
