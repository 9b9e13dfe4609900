export { removeStashed, stash, unstash } from './stash.ts';
export { CheckpointError } from './errors.ts';
export { type GlancedCheckpoint, glanceAtCheckpoints } from './glance.ts';
export { HeldFolder, vanishedMessage, type Whereabouts } from './held.ts';
export { isKept, setKept } from './kept.ts';
export { type LatestCheckpoint, latestValid, type RefusedCheckpoint } from './latest.ts';
export { cleanPartials, freeBytes, type ListedCheckpoint, listCheckpoints } from './list.ts';
export { checkpointName, files, type TensorFile } from './names.ts';
export { openCheckpoint, openChosen, OpenedCheckpoint, type OpenOptions } from './open.ts';
export { prune, type Retention } from './prune.ts';
export {
  type CheckpointContent,
  type Entry,
  type SmallFile,
  type WrittenCheckpoint,
  writeCheckpoint,
} from './write.ts';
