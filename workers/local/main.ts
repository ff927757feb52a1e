import { type LocalMesh, startMesh } from "./mesh.ts";

const mesh = await startMesh({
  port: portFrom("PORT", 8787),
  emulatorPort: portFrom("EMULATOR_PORT", 9100),
  timeFactor: Number(process.env["TIME_FACTOR"] ?? 1),
  ...(process.env["KV_TOKENS"] ? { kvTokens: Number(process.env["KV_TOKENS"]) } : {}),
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

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

function portFrom(name: string, fallback: number): number {
  const port = Number(process.env[name] ?? fallback);
  if (Number.isInteger(port) && port >= 0 && port < 65_534) return port;
  console.error(`${name} must be a port number, not \`${process.env[name]}\``);
  process.exit(1);
}
