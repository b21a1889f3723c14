#!/bin/busybox sh
# shellcheck shell=dash  # busybox is near enough
# shellcheck disable=SC2154  # udhcpc sets them
# What udhcpc learns, to the interface; names are not needed: sources are addresses.
export PATH=/bin
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/${mask:-24}" dev "$interface"
for gateway in $router; do ip route replace default via "$gateway" dev "$interface" && break; done
exit 0
