import type { CAC } from "cac";

/** Runs the command that was typed; what is wrong with it is told in a line, with exit status 1. */
export async function runCli(cli: CAC): Promise<void> {
  cli.help();
  try {
    cli.parse(process.argv, { run: false });
    await cli.runMatchedCommand();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
