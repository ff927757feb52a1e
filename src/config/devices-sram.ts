import { cited, estimated, type DeviceEntry } from "./figure.ts";

/**
 * SRAM devices: a step takes a constant time because hops and not bandwidth decide it, and KV capacity is what is
 * scarce. A pool of LPUs has hundreds of devices per engine.
 */
export const sramEntries: Readonly<Record<string, DeviceEntry>> = {
  "groq-lpu": {
    status: "shipping",
    flops: cited(188e12, "TechPowerUp, FP16"),
    mfu: estimated(0.05, "hosted TTFT of 45 to 80 ms on short prompts (8B): stages run one by one"),
    memory: [
      {
        tier: "sram",
        bytes: cited(230e6, "TechPowerUp"),
        bytesPerS: cited(80e12, "TechPowerUp"),
      },
    ],
    constantStep: {
      baseMs: estimated(1.27, "fit: 8B at 560-780 and 70B at 270-330 tokens/s, hosted"),
      msPerBillion: estimated(0.029, "fit: 8B about 1.5 ms, 70B about 3.3 ms per token"),
    },
    watts: estimated(215, "about the card's rated power"),
    usdPerHour: estimated(0.06, "hosted $0.08 per million output tokens, 8B at batch 64"),
  },
  "groq-lpx": {
    status: "announced",
    flops: estimated(0.6e15, "half of 1.23 PFLOPS FP8 per chip (315 PFLOPS over 256 chips)"),
    mfu: estimated(0.05, "as groq-lpu"),
    memory: [
      {
        tier: "sram",
        bytes: cited(500e6, "press reports of the Groq 3 LPX launch"),
        bytesPerS: cited(150e12, "press reports of the Groq 3 LPX launch"),
      },
    ],
    constantStep: {
      baseMs: estimated(0.55, "target of about 1,000 tokens/s per user (NVIDIA developer blog)"),
      msPerBillion: estimated(0.0065, "target read as 1 ms per token of a 70B model"),
    },
    watts: estimated(350, "no figure published where we looked"),
    usdPerHour: estimated(0.15, "groq-lpu scaled by memory and age"),
  },
  "cerebras-wse": {
    status: "shipping",
    flops: estimated(12.5e15, "a tenth of the marketed 125 PFLOPS, which counts sparsity"),
    mfu: estimated(0.3, "hosted TTFT of 0.24 s"),
    memory: [
      {
        tier: "sram",
        bytes: cited(44e9, "cerebras.ai, WSE-3"),
        bytesPerS: cited(21e15, "cerebras.ai, WSE-3"),
      },
    ],
    constantStep: {
      baseMs: estimated(0.34, "fit: 8B at 1,800 and 70B at 450 tokens/s (cerebras.ai, launch)"),
      msPerBillion: estimated(0.0266, "fit: 8B 0.56 ms, 70B 2.2 ms per token"),
    },
    watts: estimated(23_000, "CS-3 system power, press reports"),
    usdPerHour: estimated(40, "no rent published; from hosted token prices, rough"),
  },
};
