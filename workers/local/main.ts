import { parseArgs } from "node:util";
import { EDGES } from "./geography.ts";
import { stopEngines } from "./llama/processes.ts";
import { llamaProblems, startLlama, type LlamaMesh } from "./llama/start.ts";
import { type LocalMesh, startMesh } from "./mesh.ts";
import { portProblems } from "./ports.ts";
import { readMesh } from "./read-mesh.ts";
import { settingsFrom } from "./settings.ts";

const USAGE = "npm start -- [--llama FILE.gguf]";

const ONE_TIME = "TIME_FACTOR is for emulated engines: leave it out with --llama.";

const { mesh, llama } = await start();

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Miniflare's own listeners end the process at once, with 128 + the signal's number.
  process.removeAllListeners(signal);
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    // Ctrl-C has also ended the runtime beside us; what it says on its way out is no failure.
    void Promise.allSettled([mesh.stop(), stopEngines(llama?.engines ?? [])]).then(() => {
      console.log("Phaseway has stopped.");
      process.exit(0);
    });
  });
}
for (const { name, process: engine } of llama?.engines ?? []) {
  engine.on("exit", (code, signal) => {
    if (!stopping) console.error(`The engine ${name} has ended by itself: ${signal ?? code}.`);
  });
}

console.log(greeting(mesh, llama));

function greeting({ edges, emulatorUrl, key }: LocalMesh, started: LlamaMesh | undefined): string {
  const urls = edges.map(({ name, url }) => `  edge ${name}   ${url}`);
  const engines = started?.engines.map(({ name, url }) => `  ${name}  ${url}`) ?? [
    `  engines    ${emulatorUrl}`,
  ];
  return `
Phaseway is running. Ctrl-C ends it.

${[...urls, ...engines].join("\n")}
  key        ${key}

Try it:

  curl -N ${edges[0]?.url}/v1/chat/completions \\
    -H "authorization: Bearer ${key}" -H "content-type: application/json" \\
    -d '{"model":"large","stream":true,"messages":[{"role":"user","content":"Where did you run?"}]}'
`;
}

/** Everything a person can have got wrong is looked at first: the runtime would tell it in its own words. */
async function start(): Promise<{ mesh: LocalMesh; llama: LlamaMesh | undefined }> {
  const model = modelFile(process.argv.slice(2));
  const read = settingsFrom(process.env);
  if (!read.ok) return giveUp(read.problems);
  const file = await readMesh(new URL("../../mesh.json", import.meta.url));
  if (!file.ok) return giveUp(file.problems);
  if (model !== undefined && read.settings.timeFactor !== 1) return giveUp([ONE_TIME]);
  const busy = await portProblems("127.0.0.1", read.settings.port, EDGES.length);
  if (busy.length > 0) return giveUp(busy);
  const engines = model === undefined ? undefined : await llamaFrom(model, file.mesh);
  try {
    const mesh = await startMesh({ ...read.settings, mesh: engines?.mesh ?? file.mesh });
    return { mesh, llama: engines };
  } catch (error) {
    await stopEngines(engines?.engines ?? []);
    return giveUp([told(error)]);
  }
}

function modelFile(args: readonly string[]): string | undefined {
  try {
    return parseArgs({ args: [...args], options: { llama: { type: "string" } } }).values.llama;
  } catch (error) {
    return giveUp([told(error), USAGE]);
  }
}

async function llamaFrom(model: string, mesh: LlamaMesh["mesh"]): Promise<LlamaMesh> {
  const problems = llamaProblems(model);
  if (problems.length > 0) return giveUp(problems);
  console.log("Starting four llama.cpp engines …");
  return startLlama(model, mesh).catch((error: unknown) => giveUp([told(error)]));
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function giveUp(problems: readonly string[]): never {
  console.error(problems.join("\n"));
  process.exit(1);
}
