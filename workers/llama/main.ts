import { readOptions, USAGE } from "./options.ts";
import { startEngine } from "./start-engine.ts";

const args = process.argv.slice(2);
if (args.includes("--help")) {
  console.log(USAGE);
  process.exit(0);
}
try {
  const engine = await startEngine(readOptions(args));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void engine.stop().finally(() => process.exit(0)));
  }
  console.log(`${engine.model} is served at ${engine.origin}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
