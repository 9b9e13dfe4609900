export { isDataset, type Manifest, readManifest, shardBytes, type SplitName, widthOf } from './manifest.ts';
export { Dataset, openDataset, type TokenSource } from './reader.ts';
export { ShardWriter } from './writer.ts';
