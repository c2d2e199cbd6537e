"""Lists how many digits each currency has behind the point.

Sources: ISO 4217, list one (https://www.six-group.com/en/products-services/financial-information/
data-standards.html), and for crypto currencies the digits of their smallest unit, at most nine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_DIGITS: Final[Mapping[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
    HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
    MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
    RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS
    UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    6: "ADA TRX USDC USDT XRP",
    7: "XLM",
    8: "BCH BTC DOGE LTC",
    # Ether has 18 digits. Here it has nine, so that an amount is an integer of 64 bits.
    9: "ETH SOL TON",
}
BUILT_IN: Final[Mapping[str, int]] = {
    currency: digits_count
    for digits_count, currencies in _BY_DIGITS.items()
    for currency in currencies.split()
}
"""The digits behind the point, by currency."""
