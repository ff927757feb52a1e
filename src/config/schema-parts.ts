import { z } from "zod";

/** Name of a region, pool, engine, store or device class: it goes into URLs and headers. */
export const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/)
  .max(64);

/** Name of a model as clients send it. */
export const modelId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/)
  .max(128);

export const positive = z.number().positive();
export const positiveInt = z.int().positive();
export const zeroOrMore = z.number().nonnegative();
/** A fraction of a whole, above 0 and up to 1. */
export const share = z.number().positive().max(1);
