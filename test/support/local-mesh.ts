import { afterAll, beforeAll } from "vitest";
import { type LocalMesh, type MeshOptions, startMesh } from "../../workers/local/mesh.ts";

/** One mesh for the tests of a file, on free ports; read what it returns inside tests and hooks only. */
export function useMesh(options: MeshOptions = {}): { readonly mesh: LocalMesh } {
  let mesh: LocalMesh | undefined;
  beforeAll(async () => {
    mesh = await startMesh({ timeFactor: 0.01, ...options });
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
