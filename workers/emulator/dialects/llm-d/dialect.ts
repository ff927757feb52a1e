import type { EmulatedDialect } from "../dialect.ts";
import { vllmNixl } from "../vllm-nixl/dialect.ts";
import { encodeEngine } from "./encode-engine.ts";
import { refusedBy } from "./gateway.ts";
import { readSidecarMessage } from "./messages.ts";
import { PrefillLegs } from "./prefill-legs.ts";
import { besideDecode } from "./sidecar.ts";

/** llm-d: vLLM with the NixlConnector behind a sidecar, or behind a gateway where its pool routes itself. */
export const llmD: EmulatedDialect = (side) => {
  const engine = vllmNixl(side);
  const legs = new PrefillLegs(side);
  const encode = side.config.pool.roles.includes("encode") ? encodeEngine(side) : undefined;
  return {
    ...engine,
    take(request) {
      if (side.config.pool.routed === "itself") {
        return refusedBy(request, side) ?? engine.take(request);
      }
      if (encode) return encode(request);
      const isAlone = !LEGS_ELSEWHERE.some((name) => request.headers.get(name));
      return isAlone ? engine.take(request) : besideDecode(request, engine, side);
    },
    meet(message, from) {
      const asked = readSidecarMessage(message);
      return asked ? legs.meet(asked) : engine.meet?.(message, from);
    },
  };
};

const LEGS_ELSEWHERE = ["x-prefiller-host-port", "x-encoder-hosts-ports"];
