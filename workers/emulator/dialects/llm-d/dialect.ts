import type { EmulatedDialect } from "../dialect.ts";
import { vllmNixl } from "../vllm-nixl/dialect.ts";
import { refusedBy } from "./gateway.ts";
import { readSidecarMessage } from "./messages.ts";
import { PrefillLegs } from "./prefill-legs.ts";
import { besideDecode } from "./sidecar.ts";

/** llm-d: vLLM with the NixlConnector behind a sidecar, or behind a gateway where its pool routes itself. */
export const llmD: EmulatedDialect = (side) => {
  const engine = vllmNixl(side);
  const legs = new PrefillLegs(side);
  return {
    ...engine,
    take(request) {
      if (side.config.pool.routed === "itself") {
        return refusedBy(request, side) ?? engine.take(request);
      }
      const hostPort = request.headers.get("x-prefiller-host-port");
      return hostPort ? besideDecode(hostPort, request, engine, side) : engine.take(request);
    },
    meet(message, from) {
      const asked = readSidecarMessage(message);
      return asked ? legs.meet(asked) : engine.meet?.(message, from);
    },
  };
};
