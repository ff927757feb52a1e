import { setTimeout as sleep } from "node:timers/promises";
import { drive, type DriveReport } from "../../src/drive/drive.ts";
import type { DriveOptions } from "../../src/drive/options.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";

/** Drives conversations through one edge of a mesh, and compares their receipts with the engines' ledgers. */
export function driveMesh(
  mesh: LocalMesh,
  options: Pick<DriveOptions, "model" | "concurrency" | "conversations">,
): Promise<DriveReport> {
  return drive(
    { ...options, baseUrl: `${mesh.edges[1]?.url}/v1`, apiKey: mesh.key, reconcile: true },
    {
      fetch: (url, init) => fetch(url, init),
      now: () => performance.now(),
      sleep: (ms) => sleep(ms),
    },
  );
}
