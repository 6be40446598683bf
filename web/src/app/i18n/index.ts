/** Vietnamese unless the user chose otherwise; the choice is remembered, and the node is told. */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { speak } from '../../client/request';
import { recall, remember } from '../../kit/remembered';
import { type Language, asLanguage } from '../../kit/words';
import { en } from './en';
import { vi } from './vi';

const KEY = 'language';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof vi };
  }
}

function apply(language: Language): void {
  speak(language);
  document.documentElement.lang = language;
}

export async function startLanguage(): Promise<void> {
  const language = asLanguage(recall(KEY) ?? 'vi');
  apply(language);
  await i18next.use(initReactI18next).init({
    resources: { vi: { translation: vi }, en: { translation: en } },
    lng: language,
    fallbackLng: 'vi',
    // React escapes by itself.
    interpolation: { escapeValue: false },
    returnNull: false,
  });
}

export async function chooseLanguage(language: Language): Promise<void> {
  remember(KEY, language);
  apply(language);
  await i18next.changeLanguage(language);
}
