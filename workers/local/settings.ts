/** What a local mesh is told by the environment. */
export type Settings = {
  readonly port: number;
  readonly emulatorPort: number;
  readonly timeFactor: number;
  /** As the devices hold where it is absent. */
  readonly kvTokens?: number;
};

/** Reads `PORT`, `EMULATOR_PORT`, `TIME_FACTOR` and `KV_TOKENS`, or says of each what is wrong with it. */
export function settingsFrom(
  env: Readonly<Record<string, string | undefined>>,
): { ok: true; settings: Settings } | { ok: false; problems: string[] } {
  const problems: string[] = [];
  const read = (name: string, fits: (value: number) => boolean, what: string) => {
    const text = env[name]?.trim() ?? "";
    if (text === "") return undefined;
    if (!fits(Number(text))) problems.push(`${name} must be ${what}, not \`${text}\`.`);
    return Number(text);
  };
  const port = read("PORT", isPort, `a port number up to ${LAST_PORT}`);
  const emulatorPort = read("EMULATOR_PORT", isPort, `a port number up to ${LAST_PORT}`);
  const timeFactor = read("TIME_FACTOR", isPositive, "a number above 0, such as 0.1");
  const kvTokens = read("KV_TOKENS", isCount, "a whole number of tokens above 0");
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    settings: {
      port: port ?? 8787,
      emulatorPort: emulatorPort ?? 9100,
      timeFactor: timeFactor ?? 1,
      ...(kvTokens !== undefined && { kvTokens }),
    },
  };
}

/** The edges take the next two ports as well. */
const LAST_PORT = 65_533;

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LAST_PORT;
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
