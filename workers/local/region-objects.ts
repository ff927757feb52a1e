import type { Namespace, RegionStub } from "../../src/rpc/objects.ts";
import { type Place, roundTripMs } from "./geography.ts";

/**
 * A namespace of Region objects as it is once deployed: each of them a round trip to its region away from `edge`, and an
 * object call more.
 */
export function regionObjects(
  namespace: Namespace<RegionStub>,
  asDeployed: (namespace: Namespace<RegionStub>, delayMs: number) => Namespace<RegionStub>,
  where: {
    readonly edge: Place;
    readonly regions: Readonly<Record<string, Place>>;
    readonly objectMs: number;
    readonly timeFactor: number;
  },
): Namespace<RegionStub> {
  return {
    idFromName: (name) => namespace.idFromName(name),
    get(id, options) {
      const region = where.regions[(id.name ?? "").split("@")[0] ?? ""];
      const rttMs = region === undefined ? 0 : roundTripMs(where.edge, region);
      return asDeployed(namespace, (rttMs + where.objectMs) * where.timeFactor).get(id, options);
    },
    jurisdiction: (jurisdiction) => namespace.jurisdiction(jurisdiction),
  };
}
