import { EDGES } from "./geography.ts";
import { type LocalMesh, startMesh } from "./mesh.ts";
import { portProblems } from "./ports.ts";
import { readMesh } from "./read-mesh.ts";
import { settingsFrom } from "./settings.ts";

const mesh = await start();

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Miniflare's own listeners end the process at once, with 128 + the signal's number.
  process.removeAllListeners(signal);
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    // Ctrl-C has also ended the runtime beside us; what it says on its way out is no failure.
    void mesh
      .stop()
      .catch(() => {})
      .finally(() => {
        console.log("Phaseway has stopped.");
        process.exit(0);
      });
  });
}

console.log(greeting(mesh));

function greeting({ edges, emulatorUrl, key }: LocalMesh): string {
  const lines = edges.map(({ name, url }) => `  edge ${name}   ${url}`);
  return `
Phaseway is running. Ctrl-C ends it.

${lines.join("\n")}
  engines    ${emulatorUrl}
  key        ${key}

Try it:

  curl -N ${edges[0]?.url}/v1/chat/completions \\
    -H "authorization: Bearer ${key}" -H "content-type: application/json" \\
    -d '{"model":"large","stream":true,"messages":[{"role":"user","content":"Where did you run?"}]}'
`;
}

/** Everything a person can have got wrong is looked at first: the runtime would tell it in its own words. */
async function start(): Promise<LocalMesh> {
  const read = settingsFrom(process.env);
  if (!read.ok) return giveUp(read.problems);
  const file = await readMesh(new URL("../../mesh.json", import.meta.url));
  if (!file.ok) return giveUp(file.problems);
  const busy = await portProblems("127.0.0.1", read.settings.port, EDGES.length);
  if (busy.length > 0) return giveUp(busy);
  return startMesh({ ...read.settings, mesh: file.mesh }).catch((error: unknown) =>
    giveUp([error instanceof Error ? error.message : String(error)]),
  );
}

function giveUp(problems: readonly string[]): never {
  console.error(problems.join("\n"));
  process.exit(1);
}
