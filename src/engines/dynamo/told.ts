import { rawMember } from "../../core/json-members.ts";
import type { Told } from "../../core/leg.ts";

/** Whom the frontend chose and how long that took, from an answer or one frame of it; undefined where it tells nothing. */
export function told(json: string): Told | undefined {
  if (!json.includes('"nvext"')) return undefined;
  try {
    return read(json);
  } catch (error) {
    // A frame that is no JSON is for others to judge.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function read(json: string): Told | undefined {
  const bytes = new TextEncoder().encode(json);
  const worker = (name: string) => {
    const raw = rawMember(bytes, ["nvext", "worker_id", name]);
    return raw !== undefined && /^\d+$/.test(raw) ? raw : undefined;
  };
  const timing = (name: string) => {
    const ms = Number(rawMember(bytes, ["nvext", "timing", name]) ?? NaN);
    return ms >= 0 ? ms : undefined;
  };
  const prefill = worker("prefill_worker_id");
  const decode = worker("decode_worker_id");
  const ttftMs = timing("ttft_ms");
  const itlMs = timing("itl_ms");
  const pin = pinTo(prefill, decode);
  const found = {
    ...(prefill !== undefined && { prefill }),
    ...(decode !== undefined && { decode }),
    ...(ttftMs !== undefined && { ttftMs }),
    ...(itlMs !== undefined && { itlMs }),
    ...(pin !== undefined && { pin }),
  };
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Members of `nvext` that send a request to the same workers. */
function pinTo(prefill: string | undefined, decode: string | undefined): string | undefined {
  if (decode === undefined) return undefined;
  return prefill === undefined || prefill === decode
    ? `{"backend_instance_id":${decode}}`
    : `{"prefill_worker_id":${prefill},"decode_worker_id":${decode}}`;
}
