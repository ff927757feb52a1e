import type { Compared, Forecasts } from "./llama.ts";
import { table } from "./table.ts";

/** What was predicted of llama.cpp engines beside what came. */
export function llamaTable(rows: readonly Forecasts[]): string[] {
  return [
    "llama: receipts' forecasts and what came, p50 in ms, after as many turns to warm up (aim: within 20 %)",
    table(
      ["engine", ...headOf("TTFT"), ...headOf("TPOT")],
      rows.map(({ engine, ttft, tpot }) => [engine, ...cells(ttft), ...cells(tpot)]),
    ),
  ];
}

function headOf(figure: string): string[] {
  return ["turns", `${figure} predicted`, "measured", "off"];
}

function cells(compared: Compared | undefined): string[] {
  if (compared === undefined) return ["0", "", "", ""];
  const { turns, predictedMs, measuredMs } = compared;
  const off = (100 * (predictedMs - measuredMs)) / measuredMs;
  return [String(turns), predictedMs.toFixed(2), measuredMs.toFixed(2), `${off.toFixed(0)} %`];
}
