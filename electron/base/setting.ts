import { z } from 'zod';

/** Parts of a run's settings, in the order in which people meet them. */
export const sections = [
  'model',
  'data',
  'training',
  'optimizer',
  'device',
  'evaluation',
  'sampling',
  'stability',
  'checkpoints',
] as const;
export type Section = (typeof sections)[number];

/** When a setting makes a difference; absent: always. */
export interface Only {
  /** With one of these kinds of device. */
  readonly devices?: readonly string[];
  readonly precision?: string;
  /** With one of these optimizers, in any phase. */
  readonly optimizers?: readonly string[];
}

/** What is said of a setting, whether it is given as a flag, on the page or in a file. */
export interface About {
  /** Over its field. */
  readonly label: string;
  /** One line, without its default. */
  readonly help: string;
  readonly section: Section;
  /** As commander takes it: `--batch <n>`; absent: a command reads it in a way of its own. */
  readonly flag?: string;
  /** How the text of its flag is read, where its type does not say. */
  readonly reader?: 'texts' | 'phases' | 'subset' | 'mix';
  /** What holds where nobody gives it, for people, where the schema has no default that says so. */
  readonly absent?: string;
  /** What a form, or a command that gives none, starts with, where the schema has no default. */
  readonly start?: number;
  readonly only?: Only;
}

export const abouts = z.registry<About>();

/** A setting's schema with all that is said of it: to be called last, behind its default. */
export function setting<S extends z.ZodType>(schema: S, about: About): S {
  abouts.add(schema, about);
  return schema;
}
