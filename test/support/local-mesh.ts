import { afterAll, beforeAll } from "vitest";
import { type LocalMesh, type MeshOptions, startMesh } from "../../workers/local/mesh.ts";

/** One mesh for the tests of a file, on free ports; read what it returns inside tests and hooks only. */
export function useMesh(options: MeshOptions | (() => Promise<MeshOptions>) = {}): {
  readonly mesh: LocalMesh;
} {
  let mesh: LocalMesh | undefined;
  beforeAll(async () => {
    const own = typeof options === "function" ? await options() : options;
    mesh = await startMesh({ timeFactor: 0.01, ...own });
  });
  afterAll(async () => {
    await mesh?.stop();
  });
  return {
    get mesh() {
      if (mesh === undefined) throw new Error("the mesh has not started yet");
      return mesh;
    },
  };
}
