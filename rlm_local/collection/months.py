"""Months and days of the week as people write them in a dozen languages."""

# ruff: noqa: RUF001  letters that look like others are what other alphabets have

_MONTHS = """
january jan januar januari janvier enero janeiro gennaio stycznia styczeń ledna leden января январь ocak
february feb februar februari februarie février fevrier febrero fevereiro febbraio lutego luty února únor февраля \
февраль şubat
march mar märz maerz mars maart marts marzo março marca marzec března březen марта март mart
april apr avril abril aprile kwietnia kwiecień dubna duben апреля апрель nisan
may mai maj mei mayo maio maggio maja května květen мая май mayıs
june jun juni juin junio junho giugno czerwca czerwiec června červen июня июнь haziran
july jul juli juillet julio julho luglio lipca lipiec července červenec июля июль temmuz
august aug augusti augustus août aout agosto sierpnia sierpień srpna srpen августа август ağustos
september sep sept septembre septiembre setembro settembre września wrzesień září сентября сентябрь eylül
october oct oktober okt octobre octubre outubro ottobre października październik října říjen октября октябрь ekim
november nov novembre noviembre novembro listopada listopadu ноября ноябрь kasım
december dec dezember desember dez décembre decembre diciembre dezembro dicembre grudnia grudzień prosince prosinec \
декабря декабрь aralık
"""

MONTHS = {name: number for number, names in enumerate(_MONTHS.strip().splitlines(), 1) for name in names.split()}
"""The number of a month by its name in lower case."""

DAYS = tuple(
    "mon tue wed thu fri sat sun die mit don fre sam son lun mar mer jeu ven dim mié mie jue vie sáb sab dom gio seg "
    "ter qua qui sex maa din woe vri zat zon mån man tis ons tir tor lör lør sön søn pon wto śro czw pią sob nie úte "
    "stř čtv pát ned пон вто сре чет пят суб вос".split()
)
"""How the names of days begin."""
