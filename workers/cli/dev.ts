import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";

/** Exists where `wrangler dev` runs, and nowhere else. */
const KEY = "sk-phaseway-local";
const EDGE_PORT = 8787;
/** Where `mesh.json` looks for the emulated engines. */
const EMULATOR_PORT = 9100;

const keys = [{ tenant: "local", sha256: createHash("sha256").update(KEY).digest("hex") }];
const root = fileURLToPath(new URL("../..", import.meta.url));

const children = [
  wranglerDev("workers/emulator/wrangler.toml", EMULATOR_PORT, {
    EMULATOR_TOKEN: randomBytes(16).toString("hex"),
  }),
  wranglerDev("wrangler.toml", EDGE_PORT, {
    PHASEWAY_KEYS: JSON.stringify(keys),
    PHASEWAY_SECRET: randomBytes(32).toString("hex"),
    EDGE: "iad",
  }),
];

console.log(`The key is ${KEY}. Edge: http://127.0.0.1:${EDGE_PORT}. Ctrl-C ends both.`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => end(signal));
// One without the other is no mesh.
for (const child of children) child.on("exit", () => end("SIGTERM"));
const codes = await Promise.all(children.map((child) => exitOf(child)));
process.exitCode = codes.find((code) => code !== 0) ?? 0;

function wranglerDev(config: string, port: number, vars: Readonly<Record<string, string>>) {
  const given = Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const options = [
    // Nothing of this mesh is remote, and it runs without an account.
    "--local",
    "--port",
    String(port),
    "--inspector-port",
    "0",
    "--show-interactive-dev-session=false",
  ];
  return spawn("wrangler", ["dev", "-c", config, ...options, ...given], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
}

function exitOf(child: ReturnType<typeof wranglerDev>): Promise<number> {
  return new Promise((resolve) => {
    child.on("exit", (code) => resolve(code ?? 0));
    child.on("error", () => resolve(1));
  });
}

function end(signal: NodeJS.Signals): void {
  for (const child of children) if (child.exitCode === null) child.kill(signal);
}
