import {
  animals,
  colors,
  days,
  family,
  feelings,
  foods,
  type Hero,
  heroes,
  lessons,
  places,
  things,
  traits,
} from './words.ts';

/** Draws one element; all choices of a story come through here. */
export type Pick = <T>(choices: readonly T[]) => T;

/** Who and what a story is about: chosen once, so that the same hero keeps the same thing to the end. */
interface Cast {
  readonly pick: Pick;
  readonly hero: Hero;
  readonly friend: string;
  readonly animal: string;
  readonly thing: string;
  readonly place: string;
  readonly hidden: string;
  readonly relative: string;
  readonly food: string;
}

const article = (words: string): string => (/^[aeiou]/.test(words) ? `an ${words}` : `a ${words}`);
const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

function cast(pick: Pick): Cast {
  const place = pick(places);
  const animal = pick(animals);
  return {
    pick,
    hero: pick(heroes),
    friend: `${pick(traits)} ${animal}`,
    animal,
    thing: `${pick(colors)} ${pick(things)}`,
    place: place.name,
    hidden: pick(place.hidden),
    relative: pick(family),
    food: pick(foods),
  };
}

/** A thing is lost, looked for with help, and found. */
function lost({ pick, hero, friend, animal, thing, place, hidden, relative }: Cast): string[] {
  const { name, they, their } = hero;
  return [
    pick([`${name} had ${article(thing)}.`, `${name} got ${article(thing)} from ${their} ${relative}.`]),
    `${pick(days)} ${they} took the ${thing} to ${place}.`,
    pick([`There ${they} lost it.`, `But then the ${thing} was gone.`]),
    pick([`"Where is my ${thing}?" said ${name}.`, `"Oh no! I can not find my ${thing}!" said ${name}.`]),
    `${capital(article(friend))} came by.`,
    pick([`"I will help you," said the ${animal}.`, `"Do not cry. We will look for it," said the ${animal}.`]),
    `They looked and looked. The ${thing} was ${hidden}!`,
    `"Thank you!" said ${name}. ${capital(they)} was ${pick(feelings)}.`,
  ];
}

/** Someone is hungry, and food is shared. */
function hungry({ pick, hero, friend, animal, place, relative, food }: Cast): string[] {
  const { name, they, their } = hero;
  return [
    `${pick(days)} ${name} went to ${place} with ${their} ${relative}.`,
    `${capital(they)} had ${food} with ${hero.them}.`,
    `Near ${place} ${they} saw ${article(friend)}.`,
    pick([`The ${animal} was very hungry.`, `The ${animal} looked sad and hungry.`]),
    pick([`"Do you want ${food}?" said ${name}.`, `"Here, have ${food}," said ${name}.`]),
    pick([`The ${animal} ate it all up.`, `The ${animal} ate and ate.`]),
    `"Thank you, ${name}," said the ${animal}. "You are kind."`,
    `${name} was ${pick(feelings)}.`,
  ];
}

/** Someone is stuck, and is helped out. */
function stuck({ pick, hero, friend, animal, thing, place, hidden, relative }: Cast): string[] {
  const { name, they, their } = hero;
  return [
    `${name} liked to play near ${place}.`,
    `${pick(days)} ${they} heard ${article(friend)}. "Help! Help!" it said.`,
    `The ${animal} was stuck ${hidden}.`,
    pick([`${name} pulled, but it was too hard.`, `${name} was too small to help alone.`]),
    `So ${they} ran home and called ${their} ${relative}.`,
    `They came back and pulled and pulled. The ${animal} was free!`,
    `The ${animal} gave ${name} ${article(thing)}.`,
    `${capital(they)} was ${pick(feelings)}.`,
  ];
}

/** A present is made and given. */
function present({ pick, hero, friend, animal, thing, place, relative }: Cast): string[] {
  const { name, they, their } = hero;
  return [
    `${name} wanted to give ${their} ${relative} a present.`,
    `${pick(days)} ${they} went to ${place} and met ${article(friend)}.`,
    `"What can I give to my ${relative}?" said ${name}.`,
    `"I have ${article(thing)}," said the ${animal}. "You can have it."`,
    pick([`${name} said thank you and ran home.`, `${name} took the ${thing} and went home.`]),
    `"This ${thing} is for you!" said ${name}.`,
    `The ${relative} smiled and gave ${hero.them} a big hug.`,
    `${name} was ${pick(feelings)}.`,
  ];
}

const plots = [lost, hungry, stuck, present];

/** One story of 8 to 10 short sentences. */
export function writeStory(pick: Pick): string {
  const who = cast(pick);
  const { hero, place } = who;
  const opening = pick([
    `Once upon a time there was a ${hero.they === 'she' ? 'girl' : 'boy'} named ${hero.name}.`,
    `${hero.name} lived near ${place}.`,
    '',
  ]);
  const ending = pick([pick(lessons), pick(lessons), '']);
  return [opening, ...pick(plots)(who), ending].filter((s) => s !== '').join(' ');
}
